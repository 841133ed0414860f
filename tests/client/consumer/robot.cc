#include "robot.h"

#include <functional>
#include <future>
#include <utility>
#include <vector>

namespace {

absl::StatusOr<foresight::RemoteSession> Connect(const std::string& address) {
  foresight::AdaptationClient::Options options;
  options.connect_timeout = absl::Milliseconds(500);
  const auto client = foresight::AdaptationClient::Connect(address, options);
  if (!client.ok()) return client.status();
  foresight::SessionOptions session;
  session.settings.set_horizon(3);
  session.seed = 7;
  return client->OpenSession(session);
}

}  // namespace

absl::StatusOr<foresight::ControlLoop::Stats> Drive(const std::string& address,
                                                    int steps) {
  auto session = Connect(address);
  if (!session.ok()) return session.status();
  foresight::ControlLoopOptions options;
  options.deadline = absl::Seconds(10);  // Enough for a slow machine.
  options.give_up_after = absl::Seconds(10);
  auto loop = foresight::ControlLoop::Create(*std::move(session), options);
  if (!loop.ok()) return loop.status();
  std::vector<double> sensors(2, 0.5);
  for (int step = 0; step < steps; ++step) {
    const auto command = loop->Step(sensors);
    if (!command.status.ok()) return command.status;
    sensors[0] -= command.action[0];
  }
  return loop->stats();
}

absl::StatusOr<float> DriveAsync(const std::string& address, int decisions) {
  auto session = Connect(address);
  if (!session.ok()) return session.status();
  const std::vector<double> sensors(2, 0.5);
  std::promise<absl::StatusOr<float>> last;
  std::function<void(foresight::RemoteSession::Answer)> next =
      [&](foresight::RemoteSession::Answer answer) {
        if (!answer.ok()) {
          last.set_value(answer.status());
        } else if (--decisions == 0) {
          last.set_value(answer->action(0));
        } else {
          session->ActAsync(sensors, {}, next);
        }
      };
  session->ActAsync(sensors, {}, next);
  return last.get_future().get();
}

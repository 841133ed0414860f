// A robot's control loop at 50 Hz that never waits for the network: the example
// that client/README.md shows.
// usage: robot_loop [ADDRESS [STEPS [CA TOKEN]]]  (files: the server's CA, a
// token)
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "foresight/adaptation_client.h"
#include "foresight/control_loop.h"

namespace {

// Stands for the robot: its sensors settle towards what the motors are told.
class Robot {
 public:
  explicit Robot(size_t sensors) : sensors_(sensors, 0.1f) {}
  const std::vector<float>& Read() const { return sensors_; }
  void Apply(const std::vector<float>& action) {
    for (size_t i = 0; i < sensors_.size(); ++i) {
      sensors_[i] += 0.1f * (action[i % action.size()] - sensors_[i]);
    }
  }

 private:
  std::vector<float> sensors_;
};

absl::StatusOr<foresight::ControlLoop::Stats> Drive(
    const char* address, int steps,
    const foresight::SecurityOptions& security) {
  foresight::AdaptationClient::Options connection;
  connection.security = security;
  auto client = foresight::AdaptationClient::Connect(address, connection);
  if (!client.ok()) return client.status();
  auto session = client->OpenSession();
  if (!session.ok()) return session.status();
  Robot robot(session->description().model().observation_size());

  const auto stream = client->OpenReconnectingStream();
  foresight::ControlLoopOptions options;
  options.stream = stream.get();            // Outlives the loop.
  options.budget = absl::Milliseconds(12);  // The server's share of 20 ms.
  options.late = foresight::LatePolicy::kFollowPlan;
  options.plan_length = 8;  // Bridges 160 ms.
  auto loop = foresight::ControlLoop::Create(*std::move(session), options);
  if (!loop.ok()) return loop.status();

  constexpr absl::Duration kPeriod = absl::Milliseconds(20);
  foresight::SteadyTime tick = foresight::SteadyNow();
  for (int step = 0; step < steps; ++step) {
    tick = foresight::After(tick, kPeriod);
    // The action is there before the next tick, with 2 ms to apply it.
    const auto command = loop->StepUntil(
        robot.Read(), foresight::After(tick, -absl::Milliseconds(2)));
    // A lost session, for example, does not come back by itself.
    if (absl::IsNotFound(command.status)) return command.status;
    robot.Apply(command.action);
    std::this_thread::sleep_until(tick);
  }
  return loop->stats();
}

}  // namespace

int main(int argc, char** argv) {
  const int steps = argc > 2 ? std::atoi(argv[2]) : 250;
  foresight::SecurityOptions security;  // Plain text, unless told otherwise.
  if (argc > 4) {
    security.tls_ca = argv[3];
    security.token_file = argv[4];
  }
  const auto stats =
      Drive(argc > 1 ? argv[1] : "127.0.0.1:50051", steps, security);
  if (!stats.ok()) {
    std::fprintf(stderr, "%s\n", stats.status().ToString().c_str());
    return 1;
  }
  std::printf("%d steps: %" PRId64 " answered in time, %" PRId64
              " by plan, %" PRId64 " before the first answer; %" PRId64
              " errors, %" PRId64 " reconnects\n",
              steps, stats->in_time, stats->planned, stats->initial,
              stats->errors, stats->reconnects);
}

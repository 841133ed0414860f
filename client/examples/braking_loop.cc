// A robot's control loop at 50 Hz that brakes while no answer comes in time:
// the program of docs/tutorials/robot-loop.md. It runs until Ctrl-C.
// usage: braking_loop [ADDRESS]
#include <algorithm>
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>
#include <vector>

#include "foresight/adaptation_client.h"
#include "foresight/control_loop.h"

namespace {

using foresight::After;

constexpr size_t kJoints = 6;
constexpr absl::Duration kPeriod = absl::Milliseconds(20);

volatile std::sig_atomic_t stopped = 0;

void Stop(int) { stopped = 1; }

// Stands for the robot: a rod on each of six motors. Replace Read and Apply.
class Robot {
 public:
  // [17], as the model wants it: height and pitch, 6 joint angles (rad), 3
  // velocities of the body, 6 joint speeds (rad/s). The body is held fast.
  std::vector<float> Read() const {
    std::vector<float> sensors(2);
    sensors.insert(sensors.end(), angles_.begin(), angles_.end());
    sensors.resize(sensors.size() + 3);
    sensors.insert(sensors.end(), speeds_.begin(), speeds_.end());
    return sensors;
  }

  // Sets the motors' torques, [6] in [-1, 1], for the next period.
  void Apply(const std::vector<float>& torques) {
    const float seconds = absl::ToDoubleSeconds(kPeriod);
    for (size_t i = 0; i < kJoints; ++i) {
      speeds_[i] += seconds * (20 * torques[i] - 30 * angles_[i] - speeds_[i]);
      angles_[i] += seconds * speeds_[i];
    }
  }

 private:
  std::vector<float> angles_ = std::vector<float>(kJoints, 0.1f);
  std::vector<float> speeds_ = std::vector<float>(kJoints);
};

// The fallback action: each motor works against its joint's speed.
std::vector<float> Brake(absl::Span<const float> sensors, absl::Duration) {
  const auto speeds = sensors.last(kJoints);
  std::vector<float> torques;
  for (const float speed : speeds) {
    torques.push_back(std::clamp(-0.3f * speed, -1.0f, 1.0f));
  }
  return torques;
}

// Says when the server begins to answer and when it stops answering.
class Narrator {
 public:
  void Tell(const foresight::ControlLoop::Command& command) {
    const bool answered = command.source == foresight::ActionSource::kAnswer;
    if (answered == answered_) return;
    answered_ = answered;
    std::printf("%s\n", answered ? "the server's action"
                                 : command.status.ToString().c_str());
    std::fflush(stdout);
  }

 private:
  std::optional<bool> answered_;
};

absl::StatusOr<foresight::ControlLoop::Stats> Drive(const char* address) {
  auto client = foresight::AdaptationClient::Connect(address);
  if (!client.ok()) return client.status();
  auto session = client->OpenSession();
  if (!session.ok()) return session.status();

  const auto stream = client->OpenReconnectingStream();
  foresight::ControlLoopOptions options;
  options.stream = stream.get();            // Outlives the loop.
  options.budget = absl::Milliseconds(12);  // The server's share of 20 ms.
  options.late = foresight::LatePolicy::kCallback;
  options.callback = Brake;
  auto loop = foresight::ControlLoop::Create(*std::move(session), options);
  if (!loop.ok()) return loop.status();

  Robot robot;
  Narrator narrator;
  foresight::SteadyTime tick = foresight::SteadyNow();
  while (stopped == 0) {
    tick = After(tick, kPeriod);
    // The action is there 2 ms before the next tick: the server's or Brake's.
    const auto command =
        loop->StepUntil(robot.Read(), After(tick, -absl::Milliseconds(2)));
    robot.Apply(command.action);
    narrator.Tell(command);
    // Permanent errors: the session is lost, the observation is wrong.
    if (absl::IsNotFound(command.status) ||
        absl::IsInvalidArgument(command.status)) {
      return command.status;
    }
    std::this_thread::sleep_until(tick);
  }
  return loop->stats();
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, Stop);
  std::signal(SIGTERM, Stop);
  const auto stats = Drive(argc > 1 ? argv[1] : "127.0.0.1:50051");
  if (!stats.ok()) {
    std::fprintf(stderr, "braking_loop: %s\n",
                 stats.status().ToString().c_str());
    return 1;
  }
  std::printf("steps: %" PRId64 " by the server, %" PRId64
              " by the brakes, %" PRId64 " before the first answer\n",
              stats->in_time, stats->by_callback, stats->initial);
}

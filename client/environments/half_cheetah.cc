#include "client/environments/half_cheetah.h"

#include <utility>

#include "client/environments/mujoco_simulation.h"
#include "client/environments/numpy_generator.h"

namespace foresight {
namespace {

constexpr int kFrames = 5;  // Per control step.
constexpr double kResetNoise = 0.1;
constexpr float kControlCost = 0.1f;

class HalfCheetah : public Environment {
 public:
  explicit HalfCheetah(MujocoSimulation simulation)
      : simulation_(std::move(simulation)),
        spec_{"HalfCheetah-v4",
              simulation_.position_size() - 1 + simulation_.velocity_size(),
              simulation_.control_size(),
              /*step_limit=*/1000,
              /*random_return=*/-280.178953,
              /*expert_return=*/12135.0} {}

  const EnvironmentSpec& spec() const override { return spec_; }

  std::vector<double> Reset(uint64_t seed) override {
    NumpyGenerator generator(seed);
    const absl::Span<const double> initial = simulation_.initial_position();
    std::vector<double> position(initial.begin(), initial.end());
    for (double& value : position) {
      value += generator.Uniform(-kResetNoise, kResetNoise);
    }
    std::vector<double> velocity(simulation_.velocity_size());
    for (double& value : velocity) {
      value = kResetNoise * generator.StandardNormal();
    }
    // Sizes are the simulation's own and the values finite.
    simulation_.SetState(position, velocity).IgnoreError();
    return Observe();
  }

  absl::StatusOr<std::vector<double>> SetState(
      absl::Span<const double> position,
      absl::Span<const double> velocity) override {
    if (absl::Status status = simulation_.SetState(position, velocity);
        !status.ok()) {
      return status;
    }
    return Observe();
  }

  absl::StatusOr<Transition> Step(absl::Span<const float> action) override {
    const double x_before = simulation_.position()[0];
    if (absl::Status status = simulation_.Step(action, kFrames); !status.ok()) {
      return status;
    }
    const double x_velocity = (simulation_.position()[0] - x_before) /
                              (simulation_.timestep_sec() * kFrames);
    float effort = 0;  // In float32, as gymnasium has it.
    for (const float torque : action) effort += torque * torque;
    return Transition{Observe(), x_velocity - kControlCost * effort, false};
  }

 private:
  std::vector<double> Observe() const {
    const absl::Span<const double> position = simulation_.position();
    const absl::Span<const double> velocity = simulation_.velocity();
    std::vector<double> observation(position.begin() + 1, position.end());
    observation.insert(observation.end(), velocity.begin(), velocity.end());
    return observation;
  }

  MujocoSimulation simulation_;
  EnvironmentSpec spec_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Environment>> MakeHalfCheetah(
    const std::filesystem::path& assets) {
  absl::StatusOr<MujocoSimulation> simulation =
      MujocoSimulation::Load(assets / "half_cheetah.xml");
  if (!simulation.ok()) return simulation.status();
  return std::make_unique<HalfCheetah>(*std::move(simulation));
}

}  // namespace foresight

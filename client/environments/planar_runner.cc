#include "client/environments/planar_runner.h"

#include <algorithm>
#include <utility>

#include "client/environments/mujoco_simulation.h"
#include "client/environments/numpy_generator.h"

namespace foresight {
namespace {

constexpr int kX = 0;
constexpr int kZ = 1;
constexpr int kAngle = 2;

class PlanarRunner : public Environment {
 public:
  PlanarRunner(const PlanarRunnerRules& rules, MujocoSimulation simulation,
               const std::filesystem::path& model_file)
      : rules_(rules), simulation_(std::move(simulation)) {
    rules_.spec.observation_size =
        simulation_.position_size() - 1 + simulation_.velocity_size();
    rules_.spec.action_size = simulation_.control_size();
    rules_.spec.step_sec = simulation_.timestep_sec() * rules_.frames;
    rules_.spec.model_file = model_file.string();
  }

  const EnvironmentSpec& spec() const override { return rules_.spec; }

  std::vector<double> Reset(uint64_t seed) override {
    NumpyGenerator generator(seed);
    const double noise = rules_.reset_noise;
    const absl::Span<const double> initial = simulation_.initial_position();
    std::vector<double> position(initial.begin(), initial.end());
    for (double& value : position) value += generator.Uniform(-noise, noise);
    std::vector<double> velocity(simulation_.velocity_size());
    for (double& value : velocity) {
      value = rules_.normal_start_velocity ? noise * generator.StandardNormal()
                                           : generator.Uniform(-noise, noise);
    }
    // This cannot fail: the sizes are right and the values finite.
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

  std::vector<double> Position() const override {
    const absl::Span<const double> position = simulation_.position();
    return {position.begin(), position.end()};
  }

  absl::StatusOr<StepResult> Step(absl::Span<const float> action) override {
    const double x_before = simulation_.position()[kX];
    if (absl::Status status = simulation_.Step(action, rules_.frames);
        !status.ok()) {
      return status;
    }
    const double x_velocity = (simulation_.position()[kX] - x_before) /
                              (simulation_.timestep_sec() * rules_.frames);
    float effort = 0;  // gymnasium computes the cost in float32.
    for (const float torque : action) effort += torque * torque;
    const double reward =
        x_velocity + rules_.alive_reward - rules_.control_cost * effort;
    return StepResult{Observe(), reward, !IsHealthy()};
  }

 private:
  std::vector<double> Observe() const {
    const absl::Span<const double> position = simulation_.position();
    std::vector<double> observation(position.begin() + 1, position.end());
    for (const double value : simulation_.velocity()) {
      observation.push_back(
          std::clamp(value, -rules_.velocity_limit, rules_.velocity_limit));
    }
    return observation;
  }

  bool IsHealthy() const {
    const absl::Span<const double> position = simulation_.position();
    const absl::Span<const double> velocity = simulation_.velocity();
    const auto in_range = [this](double value) {
      return rules_.state.Contains(value);
    };
    return rules_.z.Contains(position[kZ]) &&
           rules_.angle.Contains(position[kAngle]) &&
           std::all_of(position.begin() + kAngle, position.end(), in_range) &&
           std::all_of(velocity.begin(), velocity.end(), in_range);
  }

  PlanarRunnerRules rules_;
  MujocoSimulation simulation_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Environment>> MakePlanarRunner(
    const PlanarRunnerRules& rules, const std::filesystem::path& assets) {
  const std::filesystem::path file = assets / rules.model_file;
  absl::StatusOr<MujocoSimulation> simulation = MujocoSimulation::Load(file);
  if (!simulation.ok()) return simulation.status();
  return std::make_unique<PlanarRunner>(rules, *std::move(simulation), file);
}

}  // namespace foresight

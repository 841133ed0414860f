// A planar body that should run forward: the common part of gymnasium's
// HalfCheetah, Hopper and Walker2d, and the numbers in which they differ.
#pragma once

#include <filesystem>
#include <limits>
#include <memory>

#include "absl/status/statusor.h"
#include "client/environments/environment.h"

namespace foresight {

// An open interval.
struct OpenRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  // Returns false for NaN.
  bool Contains(double value) const { return low < value && value < high; }
};

// Position is (x, z, angle, joints...). An observation is the position without
// x, then the velocity limited to +-velocity_limit.
struct PlanarRunnerRules {
  EnvironmentSpec spec;    // Sizes, step_sec and model_file are set at load.
  const char* model_file;  // In the folder of assets.
  int frames;              // Simulator steps per control step.

  // Reward: velocity in x + alive_reward - control_cost |action|^2.
  double alive_reward;
  float control_cost;

  // The start: the position is uniform in +-reset_noise around the model's. The
  // velocity is uniform in +-reset_noise, or normal with that deviation.
  double reset_noise;
  bool normal_start_velocity;

  double velocity_limit;
  // The episode ends when a value is outside of its interval. `state` is for
  // the angle, the joints and every velocity.
  OpenRange z;
  OpenRange angle;
  OpenRange state;
};

// Reads the file `rules.model_file` in `assets`. Errors: as MakeEnvironment.
absl::StatusOr<std::unique_ptr<Environment>> MakePlanarRunner(
    const PlanarRunnerRules& rules, const std::filesystem::path& assets);

}  // namespace foresight

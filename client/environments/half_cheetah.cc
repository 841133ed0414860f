#include "client/environments/half_cheetah.h"

#include <limits>

#include "client/environments/planar_runner.h"

namespace foresight {

absl::StatusOr<std::unique_ptr<Environment>> MakeHalfCheetah(
    const std::filesystem::path& assets) {
  PlanarRunnerRules rules;
  rules.spec.name = "HalfCheetah-v4";
  rules.spec.step_limit = 1000;
  rules.spec.random_return = -280.178953;
  rules.spec.expert_return = 12135.0;
  rules.model_file = "half_cheetah.xml";
  rules.frames = 5;
  rules.alive_reward = 0;
  rules.control_cost = 0.1f;
  rules.reset_noise = 0.1;
  rules.normal_start_velocity = true;
  rules.velocity_limit = std::numeric_limits<double>::infinity();
  return MakePlanarRunner(rules, assets);
}

}  // namespace foresight

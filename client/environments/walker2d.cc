#include "client/environments/walker2d.h"

#include "client/environments/planar_runner.h"

namespace foresight {

absl::StatusOr<std::unique_ptr<Environment>> MakeWalker2d(
    const std::filesystem::path& assets) {
  PlanarRunnerRules rules;
  rules.spec.name = "Walker2d-v4";
  rules.spec.step_limit = 1000;
  rules.spec.random_return = 1.629008;
  rules.spec.expert_return = 4592.3;
  rules.model_file = "walker2d.xml";
  rules.frames = 4;
  rules.alive_reward = 1;
  rules.control_cost = 1e-3f;
  rules.reset_noise = 5e-3;
  rules.normal_start_velocity = false;
  rules.velocity_limit = 10;
  rules.z = {0.8, 2};
  rules.angle = {-1, 1};
  return MakePlanarRunner(rules, assets);
}

}  // namespace foresight

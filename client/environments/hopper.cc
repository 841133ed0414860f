#include "client/environments/hopper.h"

#include "client/environments/planar_runner.h"

namespace foresight {

absl::StatusOr<std::unique_ptr<Environment>> MakeHopper(
    const std::filesystem::path& assets) {
  PlanarRunnerRules rules;
  rules.spec.name = "Hopper-v4";
  rules.spec.step_limit = 1000;
  rules.spec.random_return = -20.272305;
  rules.spec.expert_return = 3234.3;
  rules.model_file = "hopper.xml";
  rules.frames = 4;
  rules.alive_reward = 1;
  rules.control_cost = 1e-3f;
  rules.reset_noise = 5e-3;
  rules.normal_start_velocity = false;
  rules.velocity_limit = 10;
  rules.z.low = 0.7;
  rules.angle = {-0.2, 0.2};
  rules.state = {-100, 100};
  return MakePlanarRunner(rules, assets);
}

}  // namespace foresight

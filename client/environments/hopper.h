// gymnasium 1.4.0's Hopper-v4 on MuJoCo 4.0.0, equal bit for bit.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "client/environments/environment.h"

namespace foresight {

// A planar leg that should hop forward.
//   observation  position without x [5], velocity limited to +-10 [6]
//   action       torques [3]; the actuators saturate at +-1
//   reward       velocity in x + 1 - 0.001 |action|^2, over a step of 0.008 s
//   start        position and velocity uniform in +-0.005 around standing
// It terminates when it falls: a height of at most 0.7, an angle of 0.2 or
// more either way, or an angle or a velocity of 100 or more.
// Errors: as MakeEnvironment, for the file hopper.xml in `assets`.
absl::StatusOr<std::unique_ptr<Environment>> MakeHopper(
    const std::filesystem::path& assets);

}  // namespace foresight

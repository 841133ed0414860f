// gymnasium 1.4.0's Walker2d-v4 on MuJoCo 4.0.0, equal bit for bit.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "client/environments/environment.h"

namespace foresight {

// A planar pair of legs that should walk forward.
//   observation  position without x [8], velocity limited to +-10 [9]
//   action       torques [6]; the actuators saturate at +-1
//   reward       velocity in x + 1 - 0.001 |action|^2, over a step of 0.008 s
//   start        position and velocity uniform in +-0.005 around standing
// It terminates when it falls: a height outside (0.8, 2) or an angle outside
// (-1, 1).
// Errors: as MakeEnvironment, for the file walker2d.xml in `assets`.
absl::StatusOr<std::unique_ptr<Environment>> MakeWalker2d(
    const std::filesystem::path& assets);

}  // namespace foresight

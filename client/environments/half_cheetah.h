// gymnasium 1.4.0's HalfCheetah-v4 on MuJoCo 4.0.0, equal bit for bit.
#pragma once

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "client/environments/environment.h"

namespace foresight {

// A planar cheetah that should run forward.
//   observation  position without x [8], velocity [9]
//   action       torques [6]; the actuators saturate at +-1
//   reward       velocity in x - 0.1 |action|^2, over a step of 0.05 s
//   start        position uniform in +-0.1, velocity 0.1 n, n standard normal
// It never terminates.
// Errors: as MakeEnvironment, for the file half_cheetah.xml in `assets`.
absl::StatusOr<std::unique_ptr<Environment>> MakeHalfCheetah(
    const std::filesystem::path& assets);

}  // namespace foresight

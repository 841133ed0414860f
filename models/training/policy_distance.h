// The distance of recorded actions from the trained policy's.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "models/data/transitions.h"
#include "models/training/recipe.h"

namespace foresight {

// |a_i - pi(s_i)|^2 of each transition, [N], for the policy in the checkpoint
// that ships.
// Errors: as LoadFinishedPart of the policy.
absl::StatusOr<at::Tensor> SquaredPolicyDistances(
    const Recipe& recipe, const std::string& data_sha256,
    const std::filesystem::path& work, const Transitions& transitions,
    at::TensorOptions options);

}  // namespace foresight

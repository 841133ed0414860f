// The distance between recorded actions and those of the trained policy.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "models/data/transitions.h"
#include "models/networks/policy.h"
#include "models/training/recipe.h"

namespace foresight {

// The policy that ships (recipe.h), from its finished checkpoint in `work`.
// Errors: as LoadFinishedPart of the policy.
absl::StatusOr<PolicyNetwork> FinishedPolicy(const Recipe& recipe,
                                             const std::string& data_sha256,
                                             const std::filesystem::path& work,
                                             at::TensorOptions options);

// |a_i - pi(s_i)|^2 of each transition, [N].
at::Tensor SquaredPolicyDistances(const PolicyNetwork& policy,
                                  const Transitions& transitions,
                                  const Recipe& recipe,
                                  at::TensorOptions options);

}  // namespace foresight

#include "models/training/policy_distance.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "models/training/finished_part.h"
#include "models/training/trainer.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int64_t kRowsAtOnce = 4096;

}  // namespace

absl::StatusOr<PolicyNetwork> FinishedPolicy(const Recipe& recipe,
                                             const std::string& data_sha256,
                                             const std::filesystem::path& work,
                                             at::TensorOptions options) {
  ASSIGN_OR_RETURN(const TensorFile file,
                   LoadFinishedPart(recipe, data_sha256, work, "policy"));
  const absl::string_view prefix =
      recipe.policy.ship == ShippedWeights::kLast ? "" : "average.";
  const size_t layers = recipe.policy.policy_hidden.size() + 1;
  Mlp policy;
  for (size_t i = 0; i < layers; ++i) {
    Mlp::Layer layer;
    for (const bool is_weight : {true, false}) {
      const std::string name = absl::StrCat(prefix, "policy.layers.", i,
                                            is_weight ? ".weight" : ".bias");
      const auto found = file.tensors.find(name);
      if (found == file.tensors.end()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the policy's checkpoint has no ", name));
      }
      (is_weight ? layer.weight : layer.bias) = found->second.to(options);
    }
    policy.layers.push_back(layer);
  }
  return PolicyNetwork{TensorStandardiser(), policy};
}

at::Tensor SquaredPolicyDistances(const PolicyNetwork& policy,
                                  const Transitions& transitions,
                                  const Recipe& recipe,
                                  at::TensorOptions options) {
  const at::NoGradGuard no_grad;
  const at::Tensor states =
      RowsToTensor(transitions.states, recipe.observation_size, options);
  const at::Tensor actions =
      RowsToTensor(transitions.actions, recipe.action_size, options);
  std::vector<at::Tensor> distances;
  for (int64_t row = 0; row < states.size(0); row += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, states.size(0) - row);
    const at::Tensor own = policy.Act(states.narrow(0, row, count));
    distances.push_back((actions.narrow(0, row, count) - own).square().sum(-1));
  }
  return at::cat(distances);
}

}  // namespace foresight

#include "models/training/taken_parts.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "support/status_macros.h"

namespace foresight {

bool TakenParts::Has(const std::string& part) const {
  return absl::c_linear_search(parts, part);
}

std::string TakenParts::PolicySha256() const {
  return Has("policy") ? bundle->manifest().weights_sha256() : "";
}

TensorMap TakenParts::Tensors(const std::string& part) const {
  TensorMap tensors;
  for (const auto& [name, tensor] : bundle->tensors()) {
    if (absl::StartsWith(name, part + ".") ||
        (part == "policy" && absl::StartsWith(name, "critic."))) {
      tensors[name] = tensor;
    }
  }
  return tensors;
}

void TakenParts::Describe(const std::string& part, v1::Bundle& manifest) const {
  const v1::Bundle& old = bundle->manifest();
  v1::AdaptationSettings& defaults = *manifest.mutable_defaults();
  if (part == "policy") {
    *manifest.mutable_policy() = old.policy();
    *manifest.mutable_critic() = old.critic();
    manifest.set_discount(old.discount());
    defaults.set_discount(old.discount());
  } else if (part == "reward") {
    *manifest.mutable_reward() = old.reward();
  } else {
    *manifest.mutable_dynamics() = old.dynamics();
    if (old.defaults().has_sampler_steps()) {
      defaults.set_sampler_steps(old.defaults().sampler_steps());
    } else {
      defaults.clear_sampler_steps();  // For diffusion the model fixes K.
    }
  }
  const auto& steps = old.provenance().training_steps();
  if (const auto known = steps.find(part); known != steps.end()) {
    (*manifest.mutable_provenance()->mutable_training_steps())[part] =
        known->second;
  }
}

absl::StatusOr<TakenParts> TakeParts(const std::filesystem::path& folder,
                                     const Recipe& recipe,
                                     const std::vector<std::string>& trained) {
  TakenParts taken;
  if (folder.empty()) return taken;
  for (const char* part : kParts) {
    if (!absl::c_linear_search(trained, part)) taken.parts.push_back(part);
  }
  if (taken.parts.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.string(),
                     ": no part is left to take from this bundle, expected "
                     "one or two parts to train"));
  }
  ASSIGN_OR_RETURN(Bundle bundle, Bundle::Load(folder));
  if (bundle.observation_size() != recipe.observation_size ||
      bundle.action_size() != recipe.action_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        folder.string(), ": has S = ", bundle.observation_size(),
        ", A = ", bundle.action_size(), ", expected the recipe's S = ",
        recipe.observation_size, ", A = ", recipe.action_size));
  }
  taken.bundle = std::move(bundle);
  return taken;
}

}  // namespace foresight

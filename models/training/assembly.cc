#include "models/training/assembly.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "models/bundle/manifest.h"
#include "models/training/finished_part.h"
#include "models/training/tensor_file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

Tensor ToBundleTensor(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().cpu().contiguous();
  const float* values = plain.const_data_ptr<float>();
  return {plain.sizes().vec(), {values, values + plain.numel()}};
}

// Returns whether the bundle gets the tensor `name` of a part's checkpoint. If
// so, removes the prefix of averages and constants from `name`.
bool ConsumeShipped(const Recipe& recipe, const std::string& part,
                    absl::string_view& name) {
  if (absl::ConsumePrefix(&name, "constant.")) return true;
  if (part == "policy" && recipe.policy.ship == ShippedWeights::kLast) {
    return absl::StartsWith(name, "policy.") ||
           absl::StartsWith(name, "critic.");
  }
  return absl::ConsumePrefix(&name, "average.");
}

// Adds the tensors that the bundle gets from a part's checkpoint.
absl::Status AddPart(const Recipe& recipe, const DataSource& source,
                     const std::filesystem::path& work, const TakenParts& taken,
                     const std::string& part, TensorMap& tensors) {
  ASSIGN_OR_RETURN(const TensorFile file,
                   LoadFinishedPart(recipe, source.sha256, work, part,
                                    taken.PolicySha256()));
  for (const auto& [name, tensor] : file.tensors) {
    absl::string_view shipped = name;
    if (ConsumeShipped(recipe, part, shipped)) {
      tensors[std::string(shipped)] = ToBundleTensor(tensor);
    }
  }
  return absl::OkStatus();
}

void AddIdentity(const std::string& prefix, int width, TensorMap& tensors) {
  tensors[prefix + ".input.mean"] = {{width}, std::vector<float>(width, 0.0f)};
  tensors[prefix + ".input.std"] = {{width}, std::vector<float>(width, 1.0f)};
}

void Describe(const std::vector<int>& hidden, const std::string& activation,
              v1::Network& network) {
  for (const int width : hidden) network.add_hidden(width);
  network.set_activation(activation);
}

v1::Bundle MakeManifest(const Recipe& recipe) {
  v1::Bundle manifest;
  manifest.set_format(kBundleFormat);
  manifest.set_name(recipe.name);
  manifest.set_version(recipe.version);
  manifest.set_observation_size(recipe.observation_size);
  manifest.set_action_size(recipe.action_size);
  manifest.set_discount(static_cast<float>(recipe.policy.discount));
  Describe(recipe.policy.policy_hidden, "relu", *manifest.mutable_policy());
  Describe(recipe.policy.critic_hidden, "relu", *manifest.mutable_critic());
  manifest.mutable_critic()->set_layer_norm(true);
  manifest.mutable_critic()->set_layer_norm_epsilon(
      static_cast<float>(recipe.policy.layer_norm_epsilon));
  Describe(recipe.reward.hidden, "silu", *manifest.mutable_reward());
  v1::Dynamics& dynamics = *manifest.mutable_dynamics();
  Describe(recipe.dynamics.hidden, "silu", *dynamics.mutable_network());
  dynamics.set_members(1);
  dynamics.set_time_embedding(recipe.dynamics.time_embedding);
  *manifest.mutable_defaults() = ToProto(recipe.defaults);
  if (recipe.dynamics.kind == DynamicsKind::kMeanFlow) {
    dynamics.set_kind("mean_flow");
    dynamics.set_sampler_steps(recipe.dynamics.sampler_steps);
    return manifest;
  }
  dynamics.set_kind("diffusion");
  for (const float beta : MakeBetas(recipe.dynamics)) dynamics.add_betas(beta);
  manifest.mutable_defaults()->clear_sampler_steps();  // The model fixes K.
  return manifest;
}

// "", or ", with policy, reward of NAME, weights sha256 ..".
std::string Origin(const TakenParts& taken) {
  if (taken.parts.empty()) return "";
  const v1::Bundle& manifest = taken.bundle->manifest();
  return absl::StrCat(", with ", absl::StrJoin(taken.parts, ", "), " of ",
                      manifest.name(), ", weights sha256 ",
                      manifest.weights_sha256());
}

}  // namespace

absl::StatusOr<Bundle> AssembleBundle(const Recipe& recipe,
                                      const DataSource& source,
                                      const std::filesystem::path& work,
                                      const TakenParts& taken,
                                      const std::string& trainer,
                                      absl::Time now) {
  v1::Bundle manifest = MakeManifest(recipe);
  v1::Provenance& provenance = *manifest.mutable_provenance();
  provenance.set_environment(recipe.environment);
  provenance.set_data(source.description);
  provenance.set_created(
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", now, absl::UTCTimeZone()));
  provenance.set_trainer(trainer + Origin(taken));
  TensorMap tensors;
  for (const std::string part : kParts) {
    if (taken.Has(part)) {
      tensors.merge(taken.Tensors(part));
      taken.Describe(part, manifest);
      continue;
    }
    RETURN_IF_ERROR(AddPart(recipe, source, work, taken, part, tensors));
    (*provenance.mutable_training_steps())[part] =
        static_cast<uint32_t>(ScheduleOf(recipe, part).steps);
  }
  if (!taken.Has("policy")) {
    const int S = recipe.observation_size, A = recipe.action_size;
    AddIdentity("policy", S, tensors);
    AddIdentity("critic.0", S + A, tensors);
    AddIdentity("critic.1", S + A, tensors);
  }
  return Bundle::Create(std::move(manifest), std::move(tensors));
}

absl::StatusOr<Bundle> Annotate(const Bundle& bundle,
                                const Measurements& values) {
  v1::Bundle manifest = bundle.manifest();
  auto& measured = *manifest.mutable_provenance()->mutable_measured();
  for (const auto& [name, value] : values) {
    if (name.empty() || !std::isfinite(value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("measured \"", name, "\" is ", value,
                       ", expected a name and a finite number"));
    }
    measured[name] = static_cast<float>(value);
  }
  return Bundle::Create(std::move(manifest), bundle.tensors());
}

}  // namespace foresight

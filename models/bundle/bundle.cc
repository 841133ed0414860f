#include "models/bundle/bundle.h"

#include <google/protobuf/util/field_comparator.h>
#include <google/protobuf/util/message_differencer.h>

#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "models/bundle/layout.h"
#include "models/bundle/manifest.h"
#include "models/bundle/safetensors.h"
#include "models/bundle/sha256.h"
#include "models/bundle/strict_json.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr char kManifestFile[] = "bundle.json";
constexpr char kWeightsFile[] = "weights.safetensors";

absl::Status Named(const std::filesystem::path& file,
                   const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(file.string(), ": ", status.message()));
}

absl::Status CheckHash(absl::string_view hash) {
  bool fits = hash.size() == 64;
  for (const char c : hash) {
    fits = fits && (absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f'));
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("weights_sha256 is \"", Printable(hash),
                   "\", expected 64 lower-case hex digits"));
}

absl::StatusOr<v1::Bundle> LoadManifest(const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxManifestBytes));
  absl::StatusOr<v1::Bundle> manifest = ParseManifest(text);
  RETURN_IF_ERROR(Named(file, manifest.status()));
  RETURN_IF_ERROR(Named(file, CheckManifest(*manifest)));
  RETURN_IF_ERROR(Named(file, CheckHash(manifest->weights_sha256())));
  return manifest;
}

// Checks that Load accepts the text that Save would write.
absl::Status CheckText(const v1::Bundle& manifest) {
  const std::string text = FormatManifest(manifest);
  if (text.size() > kMaxManifestBytes) {
    return absl::InvalidArgumentError(absl::StrCat("the text has ", text.size(),
                                                   " bytes, expected at most ",
                                                   kMaxManifestBytes));
  }
  google::protobuf::util::MessageDifferencer differencer;
  google::protobuf::util::DefaultFieldComparator comparator;
  comparator.set_treat_nan_as_equal(true);
  differencer.set_field_comparator(&comparator);
  const absl::StatusOr<v1::Bundle> again = ParseManifest(text);
  if (again.ok() && differencer.Compare(*again, manifest)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError("expected every string to be UTF-8");
}

// The size of the largest file that can hold a checked manifest's tensors.
size_t MaxWeightsBytes(const v1::Bundle& manifest) {
  size_t bytes = 8 + kMaxSafetensorsHeader;
  for (const TensorSpec& spec : BundleTensors(manifest)) {
    size_t values = 1;
    for (const int64_t extent : spec.shape) values *= extent;
    bytes += values * sizeof(float);
  }
  return bytes;
}

absl::StatusOr<TensorMap> ParseWeights(const v1::Bundle& manifest,
                                       absl::string_view bytes) {
  ASSIGN_OR_RETURN(TensorMap tensors, ParseSafetensors(bytes));
  RETURN_IF_ERROR(CheckTensors(BundleTensors(manifest), tensors));
  return tensors;
}

// Reports a defect of a tensor ahead of the wrong hash that it probably caused.
absl::StatusOr<TensorMap> LoadWeights(const std::filesystem::path& file,
                                      const v1::Bundle& manifest) {
  ASSIGN_OR_RETURN(const std::string bytes,
                   ReadFile(file, MaxWeightsBytes(manifest)));
  const std::string hash = Sha256Hex(bytes);
  absl::StatusOr<TensorMap> tensors = ParseWeights(manifest, bytes);
  if (hash == manifest.weights_sha256()) {
    RETURN_IF_ERROR(Named(file, tensors.status()));
    return tensors;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      file.string(), ": ", tensors.status().message(), tensors.ok() ? "" : "; ",
      "the SHA-256 is ", hash, ", expected ", manifest.weights_sha256(),
      ", weights_sha256 of ", kManifestFile,
      ": the file is damaged or belongs to another manifest"));
}

Activation ActivationOf(const v1::Network& network) {
  if (network.activation() == "silu") return Activation::kSilu;
  if (network.activation() == "tanh") return Activation::kTanh;
  return Activation::kRelu;
}

Network ViewNetwork(const TensorMap& tensors, absl::string_view prefix,
                    const v1::Network& network) {
  Network view;
  view.activation = ActivationOf(network);
  view.layer_norm = network.layer_norm();
  view.layer_norm_epsilon = network.layer_norm_epsilon();
  for (int i = 0; i <= network.hidden_size(); ++i) {
    const std::string name = absl::StrCat(prefix, ".layers.", i);
    const Tensor& weight = tensors.at(name + ".weight");
    Layer layer;
    layer.outputs = static_cast<int>(weight.shape[0]);
    layer.inputs = static_cast<int>(weight.shape[1]);
    layer.weight = weight.values;
    layer.bias = tensors.at(name + ".bias").values;
    if (network.layer_norm() && i < network.hidden_size()) {
      const std::string norm = absl::StrCat(prefix, ".norms.", i);
      layer.norm_weight = tensors.at(norm + ".weight").values;
      layer.norm_bias = tensors.at(norm + ".bias").values;
    }
    view.layers.push_back(layer);
  }
  return view;
}

Standardiser ViewStandardiser(const TensorMap& tensors,
                              absl::string_view prefix) {
  return {tensors.at(absl::StrCat(prefix, ".mean")).values,
          tensors.at(absl::StrCat(prefix, ".std")).values};
}

}  // namespace

Bundle::Bundle(v1::Bundle manifest, TensorMap tensors,
               AdaptationSettings defaults)
    : manifest_(std::move(manifest)),
      tensors_(std::move(tensors)),
      defaults_(defaults) {
  const v1::Dynamics& dynamics = manifest_.dynamics();
  if (dynamics.kind() == "mean_flow") dynamics_kind_ = DynamicsKind::kMeanFlow;
  policy_ = ViewNetwork(tensors_, "policy", manifest_.policy());
  policy_input_ = ViewStandardiser(tensors_, "policy.input");
  for (const char* prefix : {"critic.0", "critic.1"}) {
    critics_.push_back(ViewNetwork(tensors_, prefix, manifest_.critic()));
    critic_inputs_.push_back(
        ViewStandardiser(tensors_, absl::StrCat(prefix, ".input")));
  }
  reward_ = ViewNetwork(tensors_, "reward", manifest_.reward());
  reward_input_ = ViewStandardiser(tensors_, "reward.input");
  reward_output_ = ViewStandardiser(tensors_, "reward.output");
  for (uint32_t b = 0; b < dynamics.members(); ++b) {
    dynamics_.push_back(ViewNetwork(tensors_, absl::StrCat("dynamics.", b),
                                    dynamics.network()));
  }
  dynamics_input_ = ViewStandardiser(tensors_, "dynamics.input");
  dynamics_output_ = ViewStandardiser(tensors_, "dynamics.output");
}

absl::StatusOr<Bundle> Bundle::Load(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(v1::Bundle manifest, LoadManifest(folder / kManifestFile));
  ASSIGN_OR_RETURN(TensorMap tensors,
                   LoadWeights(folder / kWeightsFile, manifest));
  ASSIGN_OR_RETURN(const AdaptationSettings defaults,
                   ResolveDefaults(manifest.defaults(), LimitsOf(manifest)));
  return Bundle(std::move(manifest), std::move(tensors), defaults);
}

absl::StatusOr<Bundle> Bundle::Create(v1::Bundle manifest, TensorMap tensors) {
  RETURN_IF_ERROR(Named(kManifestFile, CheckManifest(manifest)));
  RETURN_IF_ERROR(Named(kManifestFile, CheckText(manifest)));
  RETURN_IF_ERROR(
      Named(kWeightsFile, CheckTensors(BundleTensors(manifest), tensors)));
  ASSIGN_OR_RETURN(const AdaptationSettings defaults,
                   ResolveDefaults(manifest.defaults(), LimitsOf(manifest)));
  manifest.set_weights_sha256(Sha256Hex(FormatSafetensors(tensors)));
  return Bundle(std::move(manifest), std::move(tensors), defaults);
}

absl::Status Bundle::Save(const std::filesystem::path& folder) const {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(absl::StrCat(
        folder.string(), ": cannot make the folder: ", error.message()));
  }
  const std::string weights = FormatSafetensors(tensors_);
  v1::Bundle manifest = manifest_;
  manifest.set_weights_sha256(Sha256Hex(weights));
  RETURN_IF_ERROR(WriteFileAtomically(folder / kWeightsFile, weights));
  return WriteFileAtomically(folder / kManifestFile, FormatManifest(manifest));
}

SamplerLimits Bundle::sampler_limits() const { return LimitsOf(manifest_); }

std::vector<std::string> Bundle::PolicyTensorNames() const {
  std::vector<std::string> names;
  for (TensorSpec& spec : NetworkTensors("policy", manifest_.policy(),
                                         observation_size(), action_size())) {
    names.push_back(std::move(spec.name));
  }
  return names;
}

}  // namespace foresight

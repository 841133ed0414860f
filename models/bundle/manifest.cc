#include "models/bundle/manifest.h"

#include <google/protobuf/util/json_util.h>

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "models/bundle/strict_json.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", Printable(text), "\"");
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t low,
                        int64_t high) {
  if (value >= low && value <= high) return absl::OkStatus();
  return Wrong(field, " is ", value, ", expected ", low, "..", high);
}

absl::Status CheckFormat(absl::string_view format) {
  if (format == kBundleFormat) return absl::OkStatus();
  return Wrong("format is ", Quoted(format), ", expected \"", kBundleFormat,
               "\"");
}

absl::Status CheckNetwork(absl::string_view field, const v1::Network& network) {
  if (network.hidden_size() < 1 || network.hidden_size() > kMaxHiddenLayers) {
    return Wrong(field, ".hidden has ", network.hidden_size(),
                 " layers, expected 1..", kMaxHiddenLayers);
  }
  for (int i = 0; i < network.hidden_size(); ++i) {
    RETURN_IF_ERROR(CheckRange(absl::StrCat(field, ".hidden[", i, "]"),
                               network.hidden(i), 1, kMaxWidth));
  }
  if (network.activation() != "relu" && network.activation() != "silu" &&
      network.activation() != "tanh") {
    return Wrong(field, ".activation is ", Quoted(network.activation()),
                 ", expected \"relu\", \"silu\" or \"tanh\"");
  }
  const float epsilon = network.layer_norm_epsilon();
  if (!std::isfinite(epsilon) || epsilon < 0 ||
      (network.layer_norm() && epsilon == 0)) {
    return Wrong(field, ".layer_norm_epsilon is ", epsilon,
                 ", expected a finite number ",
                 network.layer_norm() ? "> 0" : ">= 0");
  }
  return absl::OkStatus();
}

absl::Status CheckTimeEmbedding(const v1::Dynamics& dynamics) {
  const uint32_t width = dynamics.time_embedding();
  const uint32_t multiple = dynamics.kind() == "mean_flow" ? 4 : 2;
  if (width >= multiple && width <= kMaxTimeEmbedding && width % multiple == 0)
    return absl::OkStatus();
  return Wrong("dynamics.time_embedding is ", width,
               ", expected a multiple of ", multiple, " in ", multiple, "..",
               kMaxTimeEmbedding, " for ", dynamics.kind());
}

absl::Status CheckDiffusion(const v1::Dynamics& dynamics) {
  if (dynamics.betas_size() < 1 || dynamics.betas_size() > kMaxBetas) {
    return Wrong("dynamics.betas has ", dynamics.betas_size(),
                 " values, expected 1..", kMaxBetas, " for diffusion");
  }
  for (int k = 0; k < dynamics.betas_size(); ++k) {
    const float beta = dynamics.betas(k);
    if (!(beta > 0 && beta < 1)) {
      return Wrong("dynamics.betas[", k, "] is ", beta,
                   ", expected a number in (0, 1)");
    }
  }
  if (dynamics.sampler_steps() != 0) {
    return Wrong("dynamics.sampler_steps is ", dynamics.sampler_steps(),
                 ", expected it unset: diffusion has a step per beta");
  }
  return absl::OkStatus();
}

absl::Status CheckDynamics(const v1::Dynamics& dynamics) {
  if (dynamics.kind() != "diffusion" && dynamics.kind() != "mean_flow") {
    return Wrong("dynamics.kind is ", Quoted(dynamics.kind()),
                 ", expected \"diffusion\" or \"mean_flow\"");
  }
  RETURN_IF_ERROR(CheckNetwork("dynamics.network", dynamics.network()));
  RETURN_IF_ERROR(
      CheckRange("dynamics.members", dynamics.members(), 1, kMaxMembers));
  RETURN_IF_ERROR(CheckTimeEmbedding(dynamics));
  if (dynamics.kind() == "diffusion") return CheckDiffusion(dynamics);
  if (dynamics.betas_size() != 0) {
    return Wrong("dynamics.betas has ", dynamics.betas_size(),
                 " values, expected none for mean_flow");
  }
  if (dynamics.sampler_steps() > kMaxSamplerSteps) {
    return Wrong("dynamics.sampler_steps is ", dynamics.sampler_steps(),
                 ", expected 1..", kMaxSamplerSteps,
                 " or unset: defaults.sampler_steps decides");
  }
  return absl::OkStatus();
}

// Refuses unknown fields of `message`, which protobuf's parser reports less
// well, and the camelCase form of known fields, which the parser accepts.
absl::Status CheckFieldNames(const nlohmann::json& object,
                             const google::protobuf::Descriptor& message,
                             const std::string& prefix) {
  for (const auto& [name, value] : object.items()) {
    const auto* field = message.FindFieldByName(name);
    if (field == nullptr) {
      return Wrong("unknown field ", prefix, Printable(name));
    }
    if (field->message_type() == nullptr || field->is_map()) continue;
    if (!value.is_object()) continue;
    RETURN_IF_ERROR(CheckFieldNames(value, *field->message_type(),
                                    absl::StrCat(prefix, name, ".")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Bundle> ParseManifest(absl::string_view text) {
  ASSIGN_OR_RETURN(const nlohmann::json object, ParseStrictJson(text));
  // Check the format first: a later one may have fields unknown here.
  const auto format = object.find("format");
  if (format != object.end() && format->is_string()) {
    RETURN_IF_ERROR(CheckFormat(format->get_ref<const std::string&>()));
  }
  v1::Bundle manifest;
  RETURN_IF_ERROR(CheckFieldNames(object, *manifest.GetDescriptor(), ""));
  const auto status = google::protobuf::util::JsonStringToMessage(
      {text.data(), text.size()}, &manifest);
  if (!status.ok()) return Wrong(std::string(status.message()));
  return manifest;
}

std::string FormatManifest(const v1::Bundle& manifest) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string text;
  // This fails only for messages with Any, Struct or a Timestamp out of range.
  (void)google::protobuf::util::MessageToJsonString(manifest, &text, options);
  return text;
}

absl::Status CheckBundleName(absl::string_view name) {
  bool fits =
      !name.empty() && name[0] != '-' && name[0] != '.' && name[0] != '_';
  for (const char c : name) {
    fits = fits && (absl::ascii_islower(c) || absl::ascii_isdigit(c) ||
                    c == '-' || c == '.' || c == '_');
  }
  if (fits) return absl::OkStatus();
  return Wrong("name is ", Quoted(name),
               ", expected lower case letters, digits, '-', '.' and '_', "
               "beginning with a letter or digit");
}

absl::Status CheckManifest(const v1::Bundle& manifest) {
  RETURN_IF_ERROR(CheckFormat(manifest.format()));
  RETURN_IF_ERROR(CheckBundleName(manifest.name()));
  RETURN_IF_ERROR(CheckRange("observation_size", manifest.observation_size(), 1,
                             kMaxStateSize));
  RETURN_IF_ERROR(
      CheckRange("action_size", manifest.action_size(), 1, kMaxStateSize));
  if (!(manifest.discount() > 0 && manifest.discount() <= 1)) {
    return Wrong("discount is ", manifest.discount(),
                 ", expected a number in (0, 1]");
  }
  RETURN_IF_ERROR(CheckNetwork("policy", manifest.policy()));
  RETURN_IF_ERROR(CheckNetwork("critic", manifest.critic()));
  RETURN_IF_ERROR(CheckNetwork("reward", manifest.reward()));
  RETURN_IF_ERROR(CheckDynamics(manifest.dynamics()));
  return ResolveDefaults(manifest.defaults(), LimitsOf(manifest)).status();
}

SamplerLimits LimitsOf(const v1::Bundle& manifest) {
  if (manifest.dynamics().kind() == "mean_flow") {
    return {/*fixed=*/false,
            static_cast<int>(manifest.defaults().sampler_steps())};
  }
  return {/*fixed=*/true, manifest.dynamics().betas_size()};
}

}  // namespace foresight

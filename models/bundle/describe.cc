#include "models/bundle/describe.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "models/bundle/strict_json.h"

namespace foresight {
namespace {

std::string Line(absl::string_view label, absl::string_view text) {
  return absl::StrFormat("%-12s%s\n", label, text);
}

// "17 -> 256 -> 6, relu, layer norm"
std::string Shown(const Network& network, const v1::Network& manifest) {
  std::string text = absl::StrCat(network.layers.front().inputs);
  for (const Layer& layer : network.layers) {
    absl::StrAppend(&text, " -> ", layer.outputs);
  }
  return absl::StrCat(text, ", ", manifest.activation(),
                      network.layer_norm ? ", layer norm" : "");
}

std::string ShownSampler(const Bundle& bundle) {
  const bool is_diffusion = bundle.dynamics_kind() == DynamicsKind::kDiffusion;
  return absl::StrCat(bundle.manifest().dynamics().kind(), ", ",
                      bundle.sampler_limits().steps, " steps",
                      is_diffusion ? "" : " by default", ", ", bundle.members(),
                      bundle.members() == 1 ? " member" : " members",
                      ", time embedding ", bundle.time_embedding());
}

std::string ShownDefaults(const AdaptationSettings& settings) {
  return absl::StrCat(
      "horizon ", settings.horizon, ", particles ", settings.particles,
      ", steps ", settings.steps,
      settings.action_step > 0
          ? absl::StrCat(", action step ", settings.action_step)
          : absl::StrCat(", step size ", settings.step_size),
      ", ", settings.mode == Mode::kPersist ? "persist" : "reset",
      ", discount ", settings.discount, ", noise scale ", settings.noise_scale);
}

std::string ShownGuards(const AdaptationSettings& settings) {
  std::string text;
  const auto add = [&](absl::string_view name, float limit) {
    if (limit > 0) absl::StrAppend(&text, name, " ", limit, ", ");
  };
  add("gradient norm", settings.max_gradient_norm);
  add("action change", settings.max_action_change);
  add("drift", settings.max_drift);
  if (settings.accept_only_improvement) text += "only improvement, ";
  return text.empty() ? "none" : text.substr(0, text.size() - 2);
}

// "name value, name value", sorted by name, which protobuf's maps are not.
template <typename Map>
std::string ShownMap(const Map& map) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : map) {
    entries.push_back(absl::StrCat(Printable(name), " ", value));
  }
  std::sort(entries.begin(), entries.end());
  return absl::StrJoin(entries, ", ");
}

std::string ShownProvenance(const v1::Provenance& provenance) {
  constexpr size_t kLongest = 1000;
  std::string text;
  const auto add = [&](absl::string_view label, absl::string_view value) {
    if (!value.empty()) text += Line(label, value);
  };
  add("environment", Printable(provenance.environment(), kLongest));
  add("data", Printable(provenance.data(), kLongest));
  add("created", Printable(provenance.created(), kLongest));
  add("trainer", Printable(provenance.trainer(), kLongest));
  add("trained", ShownMap(provenance.training_steps()));
  add("measured", ShownMap(provenance.measured()));
  return text;
}

}  // namespace

std::string Describe(const Bundle& bundle) {
  const v1::Bundle& manifest = bundle.manifest();
  size_t values = 0;
  for (const auto& [name, tensor] : bundle.tensors()) {
    values += tensor.values.size();
  }
  std::string text;
  text += Line("bundle", absl::StrCat(manifest.name(), ", version \"",
                                      Printable(manifest.version()), "\""));
  text += Line("sizes", absl::StrCat("observation ", bundle.observation_size(),
                                     ", action ", bundle.action_size()));
  text += Line("policy", Shown(bundle.policy(), manifest.policy()));
  text +=
      Line("critics",
           absl::StrCat("2 x ", Shown(bundle.critic(0), manifest.critic())));
  text += Line("reward", Shown(bundle.reward(), manifest.reward()));
  text += Line("dynamics",
               Shown(bundle.dynamics(0), manifest.dynamics().network()));
  text += Line("sampler", ShownSampler(bundle));
  text += Line("weights", absl::StrCat(values, " values, SHA-256 ",
                                       manifest.weights_sha256()));
  text += Line("defaults", ShownDefaults(bundle.defaults()));
  text += Line("guards", ShownGuards(bundle.defaults()));
  return text + ShownProvenance(manifest.provenance());
}

}  // namespace foresight

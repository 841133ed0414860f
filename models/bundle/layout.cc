#include "models/bundle/layout.h"

#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/bundle/strict_json.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

void Append(std::vector<TensorSpec> from, std::vector<TensorSpec>* to) {
  for (TensorSpec& spec : from) to->push_back(std::move(spec));
}

std::vector<TensorSpec> StandardiserTensors(absl::string_view prefix,
                                            int64_t size) {
  return {{absl::StrCat(prefix, ".mean"), {size}, false},
          {absl::StrCat(prefix, ".std"), {size}, true}};
}

std::string Shown(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

absl::Status Wrong(absl::string_view name, absl::string_view got,
                   absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat(
      "tensor ", Printable(name), " ", got, ", expected ", expected));
}

absl::Status CheckTensor(const TensorSpec& spec, const Tensor& tensor) {
  if (tensor.shape != spec.shape) {
    return Wrong(spec.name, absl::StrCat("has shape ", Shown(tensor.shape)),
                 Shown(spec.shape));
  }
  size_t size = 1;
  for (const int64_t extent : spec.shape) size *= extent;
  if (tensor.values.size() != size) {
    return Wrong(spec.name,
                 absl::StrCat("has ", tensor.values.size(), " values"),
                 absl::StrCat(size, " for shape ", Shown(spec.shape)));
  }
  for (size_t i = 0; i < size; ++i) {
    const float value = tensor.values[i];
    if (!std::isfinite(value)) {
      return Wrong(spec.name, absl::StrCat("holds ", value, " at ", i),
                   "finite numbers");
    }
    if (spec.is_std && value < kMinStd) {
      return Wrong(spec.name, absl::StrCat("holds ", value, " at ", i),
                   absl::StrCat("at least ", kMinStd));
    }
  }
  return absl::OkStatus();
}

}  // namespace

int StateActionSize(const v1::Bundle& manifest) {
  return manifest.observation_size() + manifest.action_size();
}

int DynamicsInputs(const v1::Bundle& manifest) {
  return manifest.observation_size() + StateActionSize(manifest) +
         manifest.dynamics().time_embedding();
}

std::vector<TensorSpec> NetworkTensors(absl::string_view prefix,
                                       const v1::Network& network, int inputs,
                                       int outputs) {
  std::vector<TensorSpec> specs;
  int64_t from = inputs;
  for (int i = 0; i <= network.hidden_size(); ++i) {
    const bool is_hidden = i < network.hidden_size();
    const int64_t to = is_hidden ? network.hidden(i) : outputs;
    const std::string layer = absl::StrCat(prefix, ".layers.", i);
    specs.push_back({absl::StrCat(layer, ".weight"), {to, from}});
    specs.push_back({absl::StrCat(layer, ".bias"), {to}});
    if (is_hidden && network.layer_norm()) {
      const std::string norm = absl::StrCat(prefix, ".norms.", i);
      specs.push_back({absl::StrCat(norm, ".weight"), {to}});
      specs.push_back({absl::StrCat(norm, ".bias"), {to}});
    }
    from = to;
  }
  return specs;
}

std::vector<TensorSpec> BundleTensors(const v1::Bundle& manifest) {
  const int S = manifest.observation_size();
  const int A = manifest.action_size();
  const int inputs = StateActionSize(manifest);
  std::vector<TensorSpec> specs;
  Append(StandardiserTensors("policy.input", S), &specs);
  Append(NetworkTensors("policy", manifest.policy(), S, A), &specs);
  for (const char* prefix : {"critic.0", "critic.1"}) {
    Append(StandardiserTensors(absl::StrCat(prefix, ".input"), inputs), &specs);
    Append(NetworkTensors(prefix, manifest.critic(), inputs, 1), &specs);
  }
  Append(StandardiserTensors("reward.input", inputs), &specs);
  Append(StandardiserTensors("reward.output", 1), &specs);
  Append(NetworkTensors("reward", manifest.reward(), inputs, 1), &specs);
  Append(StandardiserTensors("dynamics.input", inputs), &specs);
  Append(StandardiserTensors("dynamics.output", S), &specs);
  for (uint32_t b = 0; b < manifest.dynamics().members(); ++b) {
    Append(NetworkTensors(absl::StrCat("dynamics.", b),
                          manifest.dynamics().network(),
                          DynamicsInputs(manifest), S),
           &specs);
  }
  return specs;
}

absl::Status CheckTensors(const std::vector<TensorSpec>& specs,
                          const TensorMap& tensors) {
  std::set<absl::string_view> names;
  for (const TensorSpec& spec : specs) {
    names.insert(spec.name);
    const auto tensor = tensors.find(spec.name);
    if (tensor == tensors.end()) {
      return Wrong(spec.name, "is missing", Shown(spec.shape));
    }
    RETURN_IF_ERROR(CheckTensor(spec, tensor->second));
  }
  for (const auto& [name, tensor] : tensors) {
    if (names.count(name) == 0) {
      return Wrong(name, absl::StrCat("of shape ", Shown(tensor.shape)),
                   "no tensor of this name for this manifest");
    }
  }
  return absl::OkStatus();
}

}  // namespace foresight

#include "models/bundle/random_bundle.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "models/bundle/layout.h"
#include "models/bundle/manifest.h"

namespace foresight {
namespace {

v1::Network Manifest(const RandomNetwork& options) {
  v1::Network network;
  for (const int width : options.hidden) network.add_hidden(width);
  network.set_activation(options.activation);
  network.set_layer_norm(options.layer_norm);
  network.set_layer_norm_epsilon(options.layer_norm ? 1e-5f : 0);
  return network;
}

// The scale of one tensor's values. Weights preserve the scale of their inputs,
// except in the head of the dynamics.
float ScaleOf(const TensorSpec& spec, absl::string_view dynamics_head) {
  if (spec.name == "dynamics.output.std") return 0.1f;
  if (spec.is_std) return 1;
  if (spec.shape.size() != 2) return 0.1f;  // Biases and means.
  const float scale = 1 / std::sqrt(static_cast<float>(spec.shape[1]));
  const bool is_head = absl::StartsWith(spec.name, "dynamics.") &&
                       absl::EndsWith(spec.name, dynamics_head);
  return is_head ? 0.3f * scale : scale;
}

Tensor RandomTensor(const TensorSpec& spec, float scale,
                    std::mt19937_64& random) {
  const bool is_norm_weight = absl::StrContains(spec.name, ".norms.") &&
                              absl::EndsWith(spec.name, ".weight");
  size_t size = 1;
  for (const int64_t extent : spec.shape) size *= extent;
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> around_one(0.5f, 1.5f);
  Tensor tensor{spec.shape, {}};
  for (size_t i = 0; i < size; ++i) {
    tensor.values.push_back(spec.is_std ? scale * around_one(random)
                                        : scale * normal(random) +
                                              (is_norm_weight ? 1.0f : 0.0f));
  }
  return tensor;
}

}  // namespace

v1::Bundle RandomManifest(const RandomBundleOptions& options) {
  v1::Bundle manifest;
  manifest.set_format(kBundleFormat);
  manifest.set_name(options.name);
  manifest.set_version("1");
  manifest.set_observation_size(options.observation_size);
  manifest.set_action_size(options.action_size);
  manifest.set_discount(0.99f);
  *manifest.mutable_policy() = Manifest(options.policy);
  *manifest.mutable_critic() = Manifest(options.critic);
  *manifest.mutable_reward() = Manifest(options.reward);
  *manifest.mutable_defaults() = ToProto(AdaptationSettings());
  v1::Dynamics& dynamics = *manifest.mutable_dynamics();
  *dynamics.mutable_network() = Manifest(options.dynamics);
  dynamics.set_members(options.members);
  dynamics.set_time_embedding(options.time_embedding);
  if (options.kind == DynamicsKind::kMeanFlow) {
    dynamics.set_kind("mean_flow");
    dynamics.set_sampler_steps(options.sampler_steps);
    manifest.mutable_defaults()->set_sampler_steps(options.sampler_steps);
    return manifest;
  }
  dynamics.set_kind("diffusion");
  manifest.mutable_defaults()->clear_sampler_steps();
  // The sum of the betas is at most 1.2, so that about the same amount of noise
  // is removed whatever the number of steps.
  const float K = options.sampler_steps;
  for (int k = 1; k <= K; ++k) {
    dynamics.add_betas(std::min(0.4f, 2 / K) * (0.1f + 0.9f * k / K));
  }
  return manifest;
}

TensorMap RandomTensors(const v1::Bundle& manifest, uint64_t seed) {
  std::mt19937_64 random(seed);
  const std::string dynamics_head = absl::StrCat(
      ".layers.", manifest.dynamics().network().hidden_size(), ".weight");
  TensorMap tensors;
  for (const TensorSpec& spec : BundleTensors(manifest)) {
    tensors.emplace(spec.name,
                    RandomTensor(spec, ScaleOf(spec, dynamics_head), random));
  }
  return tensors;
}

Bundle RandomBundle(const RandomBundleOptions& options) {
  const v1::Bundle manifest = RandomManifest(options);
  absl::StatusOr<Bundle> bundle =
      Bundle::Create(manifest, RandomTensors(manifest, options.seed));
  if (!bundle.ok()) {
    std::cerr << "RandomBundle: " << bundle.status() << std::endl;
    std::abort();
  }
  return *std::move(bundle);
}

}  // namespace foresight

#include "tests/support/random_bundle.h"

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <random>
#include <utility>

#include "absl/strings/match.h"
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

// What the values of one kind of tensor are like: mean + scale * normal, or
// uniform in [low, high] for standard deviations.
Tensor RandomTensor(const TensorSpec& spec, std::mt19937_64& random) {
  Tensor tensor{spec.shape, {}};
  size_t size = 1;
  for (const int64_t extent : spec.shape) size *= extent;
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uniform;
  const bool is_change = spec.name == "dynamics.output.std";
  for (size_t i = 0; i < size; ++i) {
    float value = 0.1f * normal(random);  // Biases and means.
    if (spec.shape.size() == 2) {
      value = normal(random) / std::sqrt(static_cast<float>(spec.shape[1]));
    } else if (spec.is_std) {
      value = (is_change ? 0.1f : 1.0f) * (0.5f + uniform(random));
    } else if (absl::StrContains(spec.name, ".norms.") &&
               absl::EndsWith(spec.name, ".weight")) {
      value += 1;
    }
    tensor.values.push_back(value);
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
  for (int k = 1; k <= options.sampler_steps; ++k) {
    dynamics.add_betas(0.05f + 0.35f * k / options.sampler_steps);
  }
  return manifest;
}

TensorMap RandomTensors(const v1::Bundle& manifest, uint64_t seed) {
  std::mt19937_64 random(seed);
  TensorMap tensors;
  for (const TensorSpec& spec : BundleTensors(manifest)) {
    tensors.emplace(spec.name, RandomTensor(spec, random));
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

// Valid bundles with random weights, for tests and benchmarks for which
// any model will do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/bundle/bundle.h"

namespace foresight {

struct RandomNetwork {
  std::vector<int> hidden;
  std::string activation = "relu";
  bool layer_norm = false;
};

struct RandomBundleOptions {
  std::string name = "random";
  int observation_size = 3;  // S
  int action_size = 2;       // A
  RandomNetwork policy = {{8, 8}, "relu", false};
  RandomNetwork critic = {{8, 8}, "relu", true};
  RandomNetwork reward = {{8}, "silu", false};
  RandomNetwork dynamics = {{8, 8}, "silu", false};
  DynamicsKind kind = DynamicsKind::kDiffusion;
  int members = 1;         // B
  int sampler_steps = 3;   // K of diffusion, default n of mean_flow.
  int time_embedding = 8;  // T
  uint64_t seed = 1;
};

// A complete and valid manifest with the defaults of AdaptationSettings.
v1::Bundle RandomManifest(const RandomBundleOptions& options);

// Every tensor of `manifest`. Standardisers are not the identity. Imagined
// states that begin near size 1 stay so for ten transitions and are finite
// after 64, with any number of sampler steps. The same manifest and seed give
// the same values.
TensorMap RandomTensors(const v1::Bundle& manifest, uint64_t seed);

// Aborts with a message if the options do not make a valid bundle.
Bundle RandomBundle(const RandomBundleOptions& options = {});

}  // namespace foresight

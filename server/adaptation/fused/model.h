// A bundle packed for the kernels, once for all sessions. Immutable.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/fused/packing.h"

namespace foresight::fused {

// y = (x - mean) * scale and back, for each column; padding is and stays zero.
// This is not folded into the weights, since cancellation would lose digits if
// |mean| is many times std.
struct PackedStandardiser {
  Buffer mean;     // [tiles * 16]
  Buffer scale;    // 1 / std
  Buffer inverse;  // std
};

// A frozen network with its memory.
struct FrozenNetwork {
  Buffer flat, adjoint;
  // For precision bf16: the layers between hidden layers and their transposes
  // in bfloat16. First layers and heads stay in float32: they are few and see
  // the sampler's state.
  std::vector<std::vector<uint16_t>> half;
  PackedNetwork network;
};

// The dynamics' first layer is split: the columns for u are the packed
// network's first layer, those for (s', a') are `condition`, multiplied once
// per transition, and the time embedding is a bias for each sampler step.
struct Dynamics {
  FrozenNetwork body;
  Buffer condition_weight, condition_adjoint;
  PackedLayer condition;  // [state_action_tiles * 16] -> [first width]
};

// The steps of a sampler in their order:
//   u <- c1 u - c2 network(u) + sigma z
struct SamplerPlan {
  std::vector<float> c1, c2, sigma;            // [J]
  std::vector<std::vector<Buffer>> time_bias;  // [B][J], the first layer's
  int steps() const { return static_cast<int>(c1.size()); }  // J
  int slots = 1;  // z_0..z_{slots - 1} are drawn.
};

// Inputs (s, a) of reward, critics and dynamics are whole tiles of s, then
// whole tiles of a.
struct Model {
  Model(std::shared_ptr<const Bundle> bundle, const Kernels& kernels);

  // The sampler with this many steps; diffusion always takes K. Thread-safe;
  // allocates nothing for a number it has seen.
  const SamplerPlan& Sampler(int steps) const;

  const std::shared_ptr<const Bundle> bundle;
  const Kernels& kernels;
  const int state_tiles, action_tiles, state_action_tiles;

  const NetworkLayout policy;
  const Buffer psi_0;           // In that layout.
  const int policy_parameters;  // In the exchange form.
  const PackedStandardiser policy_input, critic_input[2], reward_input,
      dynamics_input;
  const PackedStandardiser dynamics_output;
  const float reward_mean, reward_std;
  std::vector<FrozenNetwork> critics;  // 2
  FrozenNetwork reward;
  std::vector<Dynamics> dynamics;  // [B]

 private:
  SamplerPlan MakeSampler(int steps) const;

  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<const SamplerPlan>> samplers_
      ABSL_GUARDED_BY(mutex_);  // By their number of steps.
};

}  // namespace foresight::fused

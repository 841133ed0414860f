// The imagined return J of docs/method.md section 1, differentiable.
#pragma once

#include <ATen/core/Tensor.h>

#include "absl/functional/function_ref.h"
#include "models/networks/policy.h"
#include "server/adaptation/autograd/world_model.h"

namespace foresight {

// The inputs of the rollouts of P problems with R particles each and the same
// horizon. In tensors with a row per particle, row p R + r is particle r of
// problem p.
struct RolloutInputs {
  at::Tensor observations;  // [P, S], s_t.
  const Sampler* sampler = nullptr;
  const SamplerNoise* noise = nullptr;  // For H transitions.
  int64_t particles = 1;                // R
  int horizon = 1;                      // H
  double discount = 1;                  // gamma
};

// sum_r J_r of each problem: [P]. `policy` is P policies side by side, or one.
// Calls `between` with each new imagined state s_1 .. s_H [P R, S]; `between`
// may throw to stop the work.
at::Tensor ImaginedReturn(const WorldModel& model, const PolicyNetwork& policy,
                          const RolloutInputs& rollouts,
                          absl::FunctionRef<void(const at::Tensor&)> between);

}  // namespace foresight

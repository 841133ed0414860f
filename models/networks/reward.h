// The reward r_xi on torch tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/bundle/bundle.h"
#include "models/networks/mlp.h"
#include "models/networks/tensor_standardiser.h"

namespace foresight {

// A plain value; copying shares storage.
struct RewardNetwork {
  TensorStandardiser input;  // For (s, a).
  Mlp mlp;
  double mean = 0;  // r = mean + std * y
  double std = 1;

  // (s [N, S], a [N, A]) -> rewards in raw units [N]; differentiable.
  at::Tensor Forward(const at::Tensor& s, const at::Tensor& a) const;

  static RewardNetwork FromBundle(const Bundle& bundle,
                                  const at::TensorOptions& options);
};

}  // namespace foresight

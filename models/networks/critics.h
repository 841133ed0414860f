// The twin critics Q_0, Q_1 on torch tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "models/bundle/bundle.h"
#include "models/networks/mlp.h"
#include "models/networks/tensor_standardiser.h"

namespace foresight {

// A plain value; copying shares storage.
struct CriticNetworks {
  std::array<TensorStandardiser, 2> inputs;  // For (s, a).
  std::array<Mlp, 2> mlps;

  // Both critics of (s [N, S], a [N, A]): [2, N]; differentiable.
  at::Tensor Values(const at::Tensor& s, const at::Tensor& a) const;

  // The smaller critic of each row: [N]. The gradient flows through that critic
  // alone, through the first one if both are equal.
  at::Tensor Minimum(const at::Tensor& s, const at::Tensor& a) const;

  static CriticNetworks FromBundle(const Bundle& bundle,
                                   const at::TensorOptions& options);
};

}  // namespace foresight

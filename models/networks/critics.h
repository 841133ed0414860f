// The twin critics Q_0, Q_1 on torch tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>

#include "models/bundle/bundle.h"
#include "models/networks/mlp.h"
#include "models/networks/standardise.h"

namespace foresight {

// A plain value; copying shares storage.
struct CriticNetworks {
  std::array<Standardise, 2> inputs;  // Of (s, a).
  std::array<Mlp, 2> mlps;

  // Both critics of (s [N, S], a [N, A]): [2, N]; differentiable.
  at::Tensor Values(const at::Tensor& s, const at::Tensor& a) const;

  // The smaller of the two row by row: [N]. The gradient flows through the one
  // that attains the minimum, the first where they are equal.
  at::Tensor Minimum(const at::Tensor& s, const at::Tensor& a) const;

  static CriticNetworks FromBundle(const Bundle& bundle,
                                   const at::TensorOptions& options);
};

}  // namespace foresight

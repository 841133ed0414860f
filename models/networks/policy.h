// The policy pi_psi on torch tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/bundle/bundle.h"
#include "models/networks/mlp.h"
#include "models/networks/tensor_standardiser.h"

namespace foresight {

// A plain value; copying shares storage. With weights [P, out, in] it is P
// policies side by side.
struct PolicyNetwork {
  TensorStandardiser input;  // For s; not a part of psi.
  Mlp mlp;                   // psi

  // States [..., N, S] -> actions [..., N, A] in [-1, 1]; differentiable.
  // "..." is as in Mlp.
  at::Tensor Act(const at::Tensor& s) const;
  // The network's output, before tanh.
  at::Tensor ActBeforeTanh(const at::Tensor& s) const;

  // The same policy with another psi, as Mlp::WithParameters.
  PolicyNetwork WithParameters(const std::vector<at::Tensor>& psi) const;

  static PolicyNetwork FromBundle(const Bundle& bundle,
                                  const at::TensorOptions& options);
};

}  // namespace foresight

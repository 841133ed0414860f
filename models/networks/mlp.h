// The stacked linear layers that every network of a bundle is made of.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/bundle/bundle.h"

namespace foresight {

// Parameters on torch tensors. Copying shares storage. The leading dimensions
// "..." of the parameters are either absent (one network) or [P] (P networks
// side by side, such as the policies of P sessions).
struct Mlp {
  struct Layer {
    at::Tensor weight;       // [..., out, in]
    at::Tensor bias;         // [..., out]
    at::Tensor norm_weight;  // [..., out]; undefined without layer_norm.
    at::Tensor norm_bias;    // [..., out]
  };

  Activation activation = Activation::kRelu;
  bool layer_norm = false;
  double layer_norm_epsilon = 0;
  std::vector<Layer> layers;

  // [..., N, in] -> [..., N, out]; differentiable.
  at::Tensor Forward(const at::Tensor& x) const;
  // The middle of Forward, for callers that compute the first layer's product
  // or the head themselves: W_0 x + b_0 [..., N, first width] -> the head's
  // input [..., N, last width].
  at::Tensor Hidden(at::Tensor first_product) const;

  // All tensors, in the order of Bundle::PolicyTensorNames().
  std::vector<at::Tensor> Parameters() const;
  // A network of the same shape on other tensors, in the same order.
  Mlp WithParameters(const std::vector<at::Tensor>& parameters) const;

  // Copies of the bundle's weights.
  static Mlp FromNetwork(const Network& network, at::TensorOptions options);
};

}  // namespace foresight

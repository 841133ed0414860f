#include "models/networks/mlp.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

#include <utility>

#include "models/networks/tensor_standardiser.h"

namespace foresight {
namespace {

at::Tensor Activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kTanh:
      return at::tanh(x);
  }
  return x;
}

// [..., N, in] -> [..., N, out]
at::Tensor Linear(const at::Tensor& x, const Mlp::Layer& layer) {
  if (layer.weight.dim() == 2) return at::linear(x, layer.weight, layer.bias);
  return at::baddbmm(layer.bias.unsqueeze(-2), x,
                     layer.weight.transpose(-1, -2));
}

at::Tensor Normalise(const at::Tensor& x, const Mlp::Layer& layer,
                     double epsilon) {
  if (layer.norm_weight.dim() == 1) {
    return at::layer_norm(x, {x.size(-1)}, layer.norm_weight, layer.norm_bias,
                          epsilon);
  }
  return at::layer_norm(x, {x.size(-1)}, {}, {}, epsilon) *
             layer.norm_weight.unsqueeze(-2) +
         layer.norm_bias.unsqueeze(-2);
}

}  // namespace

at::Tensor Mlp::Forward(const at::Tensor& x) const {
  return Linear(Hidden(Linear(x, layers.front())), layers.back());
}

at::Tensor Mlp::Hidden(at::Tensor first_product) const {
  at::Tensor x = std::move(first_product);
  for (size_t i = 0;; ++i) {
    x = Activate(x, activation);
    if (layer_norm) x = Normalise(x, layers[i], layer_norm_epsilon);
    if (i + 2 == layers.size()) return x;
    x = Linear(x, layers[i + 1]);
  }
}

std::vector<at::Tensor> Mlp::Parameters() const {
  std::vector<at::Tensor> parameters;
  for (const Layer& layer : layers) {
    parameters.push_back(layer.weight);
    parameters.push_back(layer.bias);
    if (!layer.norm_weight.defined()) continue;
    parameters.push_back(layer.norm_weight);
    parameters.push_back(layer.norm_bias);
  }
  return parameters;
}

Mlp Mlp::WithParameters(const std::vector<at::Tensor>& parameters) const {
  Mlp other = *this;
  size_t next = 0;
  for (Layer& layer : other.layers) {
    layer.weight = parameters.at(next++);
    layer.bias = parameters.at(next++);
    if (!layer.norm_weight.defined()) continue;
    layer.norm_weight = parameters.at(next++);
    layer.norm_bias = parameters.at(next++);
  }
  return other;
}

Mlp Mlp::FromNetwork(const Network& network, at::TensorOptions options) {
  Mlp mlp;
  mlp.activation = network.activation;
  mlp.layer_norm = network.layer_norm;
  mlp.layer_norm_epsilon = network.layer_norm_epsilon;
  for (const foresight::Layer& from : network.layers) {
    Layer layer;
    layer.weight = ToTensor(from.weight, {from.outputs, from.inputs}, options);
    layer.bias = ToTensor(from.bias, {from.outputs}, options);
    if (!from.norm_weight.empty()) {
      layer.norm_weight = ToTensor(from.norm_weight, {from.outputs}, options);
      layer.norm_bias = ToTensor(from.norm_bias, {from.outputs}, options);
    }
    mlp.layers.push_back(std::move(layer));
  }
  return mlp;
}

}  // namespace foresight

#include "server/adaptation/autograd/world_model.h"

#include <ATen/ops/cat.h>

namespace foresight {
namespace {

// The values that differentiation keeps for one row: each layer's input and
// product.
int64_t TapeValues(const Network& network) {
  int64_t values = 0;
  for (const Layer& layer : network.layers) {
    values += layer.inputs + layer.outputs;
  }
  return values;
}

at::Tensor Flat(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : tensors) flat.push_back(tensor.reshape(-1));
  return at::cat(flat);
}

}  // namespace

WorldModel::WorldModel(const Bundle& bundle, const at::TensorOptions& options)
    : observation_size_(bundle.observation_size()),
      action_size_(bundle.action_size()),
      members_(bundle.members()),
      options_(options),
      policy_(PolicyNetwork::FromBundle(bundle, options)),
      critics_(CriticNetworks::FromBundle(bundle, options)),
      reward_(RewardNetwork::FromBundle(bundle, options)) {
  pretrained_ = Flat(policy_.mlp.Parameters());
  const int kinds =
      bundle.dynamics_kind() == DynamicsKind::kDiffusion ? 1 : kMaxSamplerSteps;
  for (int steps = 1; steps <= kinds; ++steps) {
    samplers_.push_back(Sampler::FromBundle(bundle, steps, options));
  }
  const int64_t bytes = c10::elementSize(options.dtype().toScalarType());
  tape_per_step_ = bytes * TapeValues(bundle.dynamics(0));
  tape_per_transition_ =
      bytes * (TapeValues(bundle.policy()) + TapeValues(bundle.reward()));
}

const Sampler& WorldModel::sampler(int steps) const {
  return samplers_.size() == 1 ? samplers_.front() : samplers_.at(steps - 1);
}

std::vector<at::Tensor> WorldModel::Split(const at::Tensor& psi) const {
  std::vector<at::Tensor> tensors;
  int64_t next = 0;
  const int64_t count = psi.size(0);
  for (const at::Tensor& shape : policy_.mlp.Parameters()) {
    at::Tensor part = psi.narrow(1, next, shape.numel());
    next += shape.numel();
    std::vector<int64_t> sizes = shape.sizes().vec();
    if (count > 1) sizes.insert(sizes.begin(), count);
    tensors.push_back(part.view(sizes));
  }
  return tensors;
}

int64_t WorldModel::TapeBytes(int horizon, int sampler_steps) const {
  return horizon * (tape_per_step_ * sampler_steps + tape_per_transition_);
}

}  // namespace foresight

#include "models/training/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <cmath>

#include "absl/strings/str_cat.h"

namespace foresight {

Trainer::Trainer(uint64_t seed, at::Device device)
    : device_(device),
      random_(at::make_generator<at::CPUGeneratorImpl>(seed)),
      step_(at::zeros({}, at::TensorOptions(at::kLong))),
      losses_(at::zeros({2}, at::TensorOptions(device).dtype(at::kDouble))) {}

void Trainer::Step() {
  const at::Tensor loss = Update();
  losses_.add_(
      at::stack({loss.to(losses_.options()), at::ones({}, losses_.options())}));
  step_.add_(1);
}

int64_t Trainer::step() const { return *step_.const_data_ptr<int64_t>(); }

double Trainer::TakeMeanLoss() {
  const at::Tensor sums = losses_.cpu();
  const double* losses = sums.const_data_ptr<double>();
  const double mean = losses[1] > 0 ? losses[0] / losses[1] : 0;
  losses_.zero_();
  return mean;
}

TensorDict Trainer::State() const {
  TensorDict state = Tensors();
  state["step"] = step_;
  state["losses"] = losses_;
  state["random"] = random_.get_state();
  return state;
}

absl::Status Trainer::Restore(const TensorDict& state) {
  const TensorDict mine = State();
  for (const auto& [name, tensor] : mine) {
    const auto other = state.find(name);
    if (other == state.end() || other->second.sizes() != tensor.sizes() ||
        other->second.scalar_type() != tensor.scalar_type()) {
      return absl::InvalidArgumentError(absl::StrCat(
          name,
          other == state.end() ? " is missing" : " has another shape or type"));
    }
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : mine) tensor.copy_(state.at(name));
  random_.set_state(state.at("random"));
  return absl::OkStatus();
}

at::Tensor Trainer::RandomRows(int64_t rows, int64_t count) {
  return ToDevice(
      at::randint(rows, {count}, random_, at::TensorOptions(at::kLong)),
      device_);
}

at::Tensor Trainer::RandomNormal(at::IntArrayRef shape) {
  return ToDevice(at::randn(shape, random_, at::TensorOptions(at::kFloat)),
                  device_);
}

at::Tensor ToDevice(const at::Tensor& draws, at::Device device) {
  // `draws` may go away: CUDA stages pageable memory before it returns.
  return draws.to(device, draws.scalar_type(), /*non_blocking=*/true);
}

at::Tensor RowsToTensor(const std::vector<float>& values, int64_t width,
                        at::TensorOptions options) {
  const int64_t count = static_cast<int64_t>(values.size());
  const std::vector<int64_t> shape =
      width > 0 ? std::vector<int64_t>{count / width, width}
                : std::vector<int64_t>{count};
  return at::from_blob(const_cast<float*>(values.data()), shape,
                       at::TensorOptions(at::kFloat))
      .to(options, /*non_blocking=*/false, /*copy=*/true);
}

Mlp RandomMlp(const MlpShape& shape, double hidden_bias, double head,
              at::Generator& random, at::TensorOptions options) {
  const auto uniform = [&](at::IntArrayRef sizes, double limit) {
    return at::empty(sizes, at::TensorOptions(at::kFloat))
        .uniform_(-limit, limit, random)
        .to(options)
        .requires_grad_();
  };
  const auto constant = [&](int64_t size, double value) {
    return at::full({size}, value, options).requires_grad_();
  };
  Mlp mlp;
  mlp.activation = shape.activation;
  mlp.layer_norm = shape.layer_norm;
  mlp.layer_norm_epsilon = shape.layer_norm_epsilon;
  for (size_t i = 0; i + 1 < shape.widths.size(); ++i) {
    const int64_t in = shape.widths[i], out = shape.widths[i + 1];
    const bool last = i + 2 == shape.widths.size();
    const double limit =
        last && head > 0 ? head : 1 / std::sqrt(static_cast<double>(in));
    Mlp::Layer layer;
    layer.weight = uniform({out, in}, limit);
    layer.bias =
        last && head > 0 ? uniform({out}, head) : constant(out, hidden_bias);
    if (shape.layer_norm && !last) {
      layer.norm_weight = constant(out, 1);
      layer.norm_bias = constant(out, 0);
    }
    mlp.layers.push_back(layer);
  }
  return mlp;
}

TensorDict MlpTensors(const std::string& prefix, const Mlp& mlp) {
  TensorDict tensors;
  for (size_t i = 0; i < mlp.layers.size(); ++i) {
    const Mlp::Layer& layer = mlp.layers[i];
    const std::string linear = absl::StrCat(prefix, ".layers.", i);
    tensors[linear + ".weight"] = layer.weight;
    tensors[linear + ".bias"] = layer.bias;
    if (!layer.norm_weight.defined()) continue;
    const std::string norm = absl::StrCat(prefix, ".norms.", i);
    tensors[norm + ".weight"] = layer.norm_weight;
    tensors[norm + ".bias"] = layer.norm_bias;
  }
  return tensors;
}

}  // namespace foresight

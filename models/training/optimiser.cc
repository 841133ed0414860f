#include "models/training/optimiser.h"

#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

namespace foresight {

double CosineDecay(double learning_rate, double f, int64_t t, int64_t steps) {
  const double progress =
      static_cast<double>(std::min(t, steps)) / static_cast<double>(steps);
  return learning_rate * (f + (1 - f) * 0.5 * (1 + std::cos(M_PI * progress)));
}

Adam::Adam(std::vector<at::Tensor> parameters, Options options)
    : parameters_(std::move(parameters)), options_(options) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters_) {
    first_moments_.push_back(at::zeros_like(parameter));
    second_moments_.push_back(at::zeros_like(parameter));
    updates_.push_back(at::zeros({}, parameter.options().requires_grad(false)));
  }
  update_count_ = at::zeros({}, at::TensorOptions(at::kLong));
}

void Adam::Step(const std::vector<at::Tensor>& gradients) {
  const at::NoGradGuard no_grad;
  const int64_t t = *update_count_.const_data_ptr<int64_t>();
  const double rate = CosineDecay(options_.learning_rate,
                                  options_.final_fraction, t, options_.steps);
  update_count_.add_(1);
  at::_foreach_add_(updates_, 1);
  at::_fused_adam_(parameters_, gradients, first_moments_, second_moments_,
                   /*max_exp_avg_sqs=*/{}, updates_, rate, /*beta1=*/0.9,
                   /*beta2=*/0.999, /*weight_decay=*/0, /*eps=*/1e-8,
                   /*amsgrad=*/false, /*maximize=*/false);
}

TensorDict Adam::State(const std::string& prefix) const {
  TensorDict state = {{absl::StrCat(prefix, ".updates"), update_count_}};
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string name = absl::StrCat(prefix, ".", i);
    state[absl::StrCat(name, ".first_moment")] = first_moments_[i];
    state[absl::StrCat(name, ".second_moment")] = second_moments_[i];
    state[absl::StrCat(name, ".updates")] = updates_[i];
  }
  return state;
}

RunningAverage::RunningAverage(std::vector<at::Tensor> parameters, double decay)
    : parameters_(std::move(parameters)), decay_(decay) {
  for (const at::Tensor& parameter : parameters_) {
    averages_.push_back(parameter.detach().clone());
  }
}

void RunningAverage::Update() {
  const at::NoGradGuard no_grad;
  at::_foreach_lerp_(averages_, parameters_, 1 - decay_);
}

}  // namespace foresight

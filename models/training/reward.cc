#include "models/training/reward.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mse_loss.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include "models/data/fitted_standardiser.h"
#include "models/training/regression_error.h"

namespace foresight {
namespace {

constexpr float kSmallestStd = 1e-3f;

Mlp RandomReward(const RewardRecipe& recipe, int inputs, at::Generator& random,
                 at::TensorOptions options) {
  MlpShape shape;
  shape.activation = Activation::kSilu;
  shape.widths = {inputs};
  shape.widths.insert(shape.widths.end(), recipe.hidden.begin(),
                      recipe.hidden.end());
  shape.widths.push_back(1);
  return RandomMlp(shape, /*hidden_bias=*/0, /*head=*/0, random, options);
}

}  // namespace

RewardTrainer::RewardTrainer(const RewardRecipe& recipe, int S, int A,
                             const Transitions& training,
                             const Transitions& held_out,
                             at::TensorOptions options)
    : Trainer(recipe.schedule.seed, options.device()),
      recipe_(recipe),
      mlp_(RandomReward(recipe, S + A, random(), options)),
      average_(mlp_.Parameters(), recipe.schedule.average),
      adam_(mlp_.Parameters(),
            {recipe.schedule.learning_rate, recipe.schedule.final_fraction,
             recipe.schedule.steps}) {
  const FittedStandardiser states =
      FitStandardiser(training.states, S, kSmallestStd);
  const FittedStandardiser actions =
      FitStandardiser(training.actions, A, kSmallestStd);
  const FittedStandardiser reward =
      FitStandardiser(training.rewards, 1, kSmallestStd);
  const auto vector = [&](const std::vector<float>& values) {
    return RowsToTensor(values, 0, options);
  };
  input_mean_ = at::cat({vector(states.mean), vector(actions.mean)});
  input_std_ = at::cat({vector(states.std), vector(actions.std)});
  output_mean_ = vector(reward.mean);
  output_std_ = vector(reward.std);
  const auto inputs = [&](const Transitions& from) {
    return (at::cat({RowsToTensor(from.states, S, options),
                     RowsToTensor(from.actions, A, options)},
                    -1) -
            input_mean_) /
           input_std_;
  };
  inputs_ = inputs(training);
  held_out_inputs_ = inputs(held_out);
  rewards_ =
      (RowsToTensor(training.rewards, 1, options) - output_mean_) / output_std_;
  held_out_rewards_ = RowsToTensor(held_out.rewards, 1, options);
}

at::Tensor RewardTrainer::Update() {
  const at::Tensor rows = RandomRows(inputs_.size(0), recipe_.schedule.batch);
  const at::Tensor loss =
      at::mse_loss(mlp_.Forward(inputs_.index_select(0, rows)),
                   rewards_.index_select(0, rows));
  adam_.Step(torch::autograd::grad({loss}, mlp_.Parameters()));
  average_.Update();
  return loss.detach();
}

Measurements RewardTrainer::Evaluate() const {
  const at::NoGradGuard no_grad;
  const Mlp average = mlp_.WithParameters(average_.values());
  const RegressionError error = MeasureError(
      output_mean_ + output_std_ * average.Forward(held_out_inputs_),
      held_out_rewards_);
  return {{"reward_rmse", error.rmse},
          {"reward_rmse_error", error.standard_error},
          {"reward_rmse_worst", error.worst_row}};
}

TensorDict RewardTrainer::Tensors() const {
  TensorDict tensors = MlpTensors("reward", mlp_);
  tensors.merge(
      MlpTensors("average.reward", mlp_.WithParameters(average_.values())));
  tensors.merge(adam_.State("adam.reward"));
  tensors["constant.reward.input.mean"] = input_mean_;
  tensors["constant.reward.input.std"] = input_std_;
  tensors["constant.reward.output.mean"] = output_mean_;
  tensors["constant.reward.output.std"] = output_std_;
  return tensors;
}

}  // namespace foresight

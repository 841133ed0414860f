// Trains the reward as a regression on state and action (docs/method.md section
// 7).
#pragma once

#include <ATen/core/Tensor.h>

#include "models/data/transitions.h"
#include "models/training/optimiser.h"
#include "models/training/recipe.h"
#include "models/training/trainer.h"

namespace foresight {

class RewardTrainer : public Trainer {
 public:
  // Both sets have at least one row.
  RewardTrainer(const RewardRecipe& recipe, int S, int A,
                const Transitions& training, const Transitions& held_out,
                at::TensorOptions options);

  // "reward_rmse", "reward_rmse_error", "reward_rmse_worst" with the averaged
  // weights, in the data's units.
  Measurements Evaluate() const override;

 protected:
  at::Tensor Update() override;
  TensorDict Tensors() const override;

 private:
  RewardRecipe recipe_;
  Mlp mlp_;                              // [N, S + A] -> [N, 1]
  at::Tensor input_mean_, input_std_;    // [S + A]
  at::Tensor output_mean_, output_std_;  // [1]
  at::Tensor inputs_, held_out_inputs_;  // [N, S + A] standardised.
  at::Tensor rewards_;                   // [N, 1] standardised.
  at::Tensor held_out_rewards_;          // [N, 1]
  RunningAverage average_;
  Adam adam_;
};

}  // namespace foresight

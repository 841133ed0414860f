// Trains the dynamics of either kind: docs/method.md section 7.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "models/data/transitions.h"
#include "models/training/dynamics_model.h"
#include "models/training/dynamics_standardiser.h"
#include "models/training/optimiser.h"
#include "models/training/recipe.h"
#include "models/training/rollout.h"
#include "models/training/trainer.h"

namespace foresight {

class DynamicsTrainer : public Trainer {
 public:
  // Both sets have at least one row. `weights` [N] weigh the training rows in
  // the loss; undefined: every row counts the same. Evaluate measures on
  // `held_out`.
  DynamicsTrainer(const DynamicsRecipe& recipe, int S, int A,
                  const Transitions& training, at::Tensor weights,
                  std::vector<RecordedRollouts> held_out,
                  at::TensorOptions options);

  // "state_rmse_n", "state_rmse_n_error", "state_rmse_n_worst" of the averaged
  // weights for each length n of `held_out`.
  Measurements Evaluate() const override;

 protected:
  at::Tensor Update() override;
  TensorDict Tensors() const override;

 private:
  Mlp AveragedMlp() const;

  const int64_t batch_;
  const std::unique_ptr<DynamicsModel> model_;
  const DynamicsStandardiser standardiser_;
  at::Tensor inputs_;   // [N, S + A] standardised.
  at::Tensor changes_;  // [N, S] standardised.
  at::Tensor weights_;
  std::vector<RecordedRollouts> held_out_;
  RunningAverage average_;
  Adam adam_;
};

}  // namespace foresight

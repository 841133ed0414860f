// The dynamics as a diffusion model (DDPM, noise prediction): method.md
// sections 2 and 8.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/data/transitions.h"
#include "models/training/denoiser.h"
#include "models/training/optimiser.h"
#include "models/training/recipe.h"
#include "models/training/rollout.h"
#include "models/training/trainer.h"

namespace foresight {

class DiffusionTrainer : public Trainer {
 public:
  // Both sets have at least one row. `held_out` is what Evaluate measures on.
  DiffusionTrainer(const DynamicsRecipe& recipe, int S, int A,
                   const Transitions& training,
                   std::vector<RecordedRollouts> held_out,
                   at::TensorOptions options);

  // "state_rmse_n", "state_rmse_n_error", "state_rmse_n_worst" of the averaged
  // weights for each length n of `held_out`.
  Measurements Evaluate() const override;

 protected:
  at::Tensor Update() override;
  TensorDict Tensors() const override;

 private:
  DynamicsRecipe recipe_;
  Denoiser denoiser_;
  at::Tensor inputs_;          // [N, S + A] standardised.
  at::Tensor changes_;         // [N, S] standardised.
  at::Tensor signal_, noise_;  // [K] sqrt(abar_k), sqrt(1 - abar_k).
  std::vector<RecordedRollouts> held_out_;
  RunningAverage average_;
  Adam adam_;
};

}  // namespace foresight

// The diffusion model's network with the constants around it, as training
// needs it: a batch of rows, each at its own sampler step.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "models/bundle/sampler.h"
#include "models/networks/mlp.h"
#include "models/training/recipe.h"
#include "models/training/trainer.h"

namespace foresight {

// eps_theta(u, s', a', k) of method.md section 2. Copying shares storage.
struct Denoiser {
  Mlp mlp;  // [N, S + S + A + T] -> [N, S]
  DiffusionSchedule schedule;
  at::Tensor embedding;                // [K, T]
  at::Tensor input_mean, input_std;    // [S + A]
  at::Tensor output_mean, output_std;  // [S]

  // Random weights; the data's mean is taken as 0 and its std as 1.
  static Denoiser Random(const DynamicsRecipe& recipe, int S, int A,
                         at::Generator& random, at::TensorOptions options);

  // s [N, S], a [N, A] -> [N, S + A] standardised.
  at::Tensor Inputs(const at::Tensor& states, const at::Tensor& actions) const;

  // u [N, S], inputs [N, S + A], k [N] int64 counted from 0 -> [N, S]
  at::Tensor Predict(const at::Tensor& u, const at::Tensor& inputs,
                     const at::Tensor& k) const;

  // One ancestral sample s' per row, [N, S], from noise z [K, N, S]; what the
  // bundle's Sampler gives for the same z.
  at::Tensor Sample(const at::Tensor& states, const at::Tensor& actions,
                    const at::Tensor& z) const;
};

}  // namespace foresight

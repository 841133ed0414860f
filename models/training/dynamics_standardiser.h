// The standardisation around a model of the dynamics, which sees standardised
// states and actions and samples standardised changes of state.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/data/transitions.h"
#include "models/training/tensor_file.h"

namespace foresight {

// Copying shares storage.
struct DynamicsStandardiser {
  at::Tensor input_mean, input_std;    // [S + A]
  at::Tensor output_mean, output_std;  // [S]

  // Fits the transitions' states, actions and changes of state.
  static DynamicsStandardiser Fit(const Transitions& transitions, int S, int A,
                                  at::TensorOptions options);

  // s [N, S], a [N, A] -> [N, S + A] standardised.
  at::Tensor Inputs(const at::Tensor& states, const at::Tensor& actions) const;
  // s, s' [N, S] -> x [N, S]
  at::Tensor Changes(const at::Tensor& states, const at::Tensor& next) const;
  // s, x [N, S] -> s' [N, S]
  at::Tensor Next(const at::Tensor& states, const at::Tensor& changes) const;

  // The tensors as a checkpoint holds them: "constant.dynamics.input.mean" and
  // so on.
  TensorDict Tensors() const;
};

}  // namespace foresight

#include "models/training/dynamics_standardiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <vector>

#include "models/data/fitted_standardiser.h"
#include "models/training/trainer.h"

namespace foresight {
namespace {

constexpr float kSmallestInputStd = 1e-3f;
constexpr float kSmallestOutputStd = 1e-4f;

}  // namespace

DynamicsStandardiser DynamicsStandardiser::Fit(const Transitions& transitions,
                                               int S, int A,
                                               at::TensorOptions options) {
  const FittedStandardiser states =
      FitStandardiser(transitions.states, S, kSmallestInputStd);
  const FittedStandardiser actions =
      FitStandardiser(transitions.actions, A, kSmallestInputStd);
  const FittedStandardiser change = FitDifferenceStandardiser(
      transitions.states, transitions.next_states, S, kSmallestOutputStd);
  const auto vector = [&](const std::vector<float>& values) {
    return RowsToTensor(values, 0, options);
  };
  return {at::cat({vector(states.mean), vector(actions.mean)}),
          at::cat({vector(states.std), vector(actions.std)}),
          vector(change.mean), vector(change.std)};
}

at::Tensor DynamicsStandardiser::Inputs(const at::Tensor& states,
                                        const at::Tensor& actions) const {
  return (at::cat({states, actions}, -1) - input_mean) / input_std;
}

at::Tensor DynamicsStandardiser::Changes(const at::Tensor& states,
                                         const at::Tensor& next) const {
  return (next - states - output_mean) / output_std;
}

at::Tensor DynamicsStandardiser::Next(const at::Tensor& states,
                                      const at::Tensor& changes) const {
  return states + output_mean + output_std * changes;
}

TensorDict DynamicsStandardiser::Tensors() const {
  return {{"constant.dynamics.input.mean", input_mean},
          {"constant.dynamics.input.std", input_std},
          {"constant.dynamics.output.mean", output_mean},
          {"constant.dynamics.output.std", output_std}};
}

}  // namespace foresight

#include "models/training/dynamics_scaling.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <vector>

#include "models/data/normaliser.h"
#include "models/training/trainer.h"

namespace foresight {
namespace {

constexpr float kSmallestInputStd = 1e-3f;
constexpr float kSmallestOutputStd = 1e-4f;

}  // namespace

DynamicsScaling DynamicsScaling::Fit(const Transitions& transitions, int S,
                                     int A, at::TensorOptions options) {
  const Normaliser states =
      FitNormaliser(transitions.states, S, kSmallestInputStd);
  const Normaliser actions =
      FitNormaliser(transitions.actions, A, kSmallestInputStd);
  const Normaliser change = FitDifferenceNormaliser(
      transitions.states, transitions.next_states, S, kSmallestOutputStd);
  const auto vector = [&](const std::vector<float>& values) {
    return RowsToTensor(values, 0, options);
  };
  return {at::cat({vector(states.mean), vector(actions.mean)}),
          at::cat({vector(states.std), vector(actions.std)}),
          vector(change.mean), vector(change.std)};
}

at::Tensor DynamicsScaling::Inputs(const at::Tensor& states,
                                   const at::Tensor& actions) const {
  return (at::cat({states, actions}, -1) - input_mean) / input_std;
}

at::Tensor DynamicsScaling::Changes(const at::Tensor& states,
                                    const at::Tensor& next) const {
  return (next - states - output_mean) / output_std;
}

at::Tensor DynamicsScaling::Next(const at::Tensor& states,
                                 const at::Tensor& changes) const {
  return states + output_mean + output_std * changes;
}

TensorDict DynamicsScaling::Tensors() const {
  return {{"constant.dynamics.input.mean", input_mean},
          {"constant.dynamics.input.std", input_std},
          {"constant.dynamics.output.mean", output_mean},
          {"constant.dynamics.output.std", output_std}};
}

}  // namespace foresight

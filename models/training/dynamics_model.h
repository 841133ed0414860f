// What the training of the dynamics needs to know of a kind of model.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>

#include "models/networks/mlp.h"
#include "models/training/recipe.h"

namespace foresight {

// A network that turns noise into a standardised change of state x, given
// `inputs`, the standardised state and action. docs/method.md section 2.
class DynamicsModel {
 public:
  virtual ~DynamicsModel() = default;

  // What is trained; [N, S + S + A + T] -> [N, S].
  virtual const Mlp& mlp() const = 0;

  // The loss of a batch, a scalar. Draws its noise from `random`. `weights`
  // [N], undefined where every row counts the same.
  virtual at::Tensor Loss(const at::Tensor& inputs,   // [N, S + A]
                          const at::Tensor& changes,  // [N, S]
                          const at::Tensor& weights,
                          at::Generator& random) const = 0;

  // Numbers of noise J that a sample takes for each value.
  virtual int slots() const = 0;

  // One sample of x per row, [N, S], with the network `mlp`: what the bundle's
  // Sampler gives for the same z [J, N, S].
  virtual at::Tensor Sample(const Mlp& mlp, const at::Tensor& inputs,
                            const at::Tensor& z) const = 0;
};

// The recipe's kind, with random weights.
std::unique_ptr<DynamicsModel> MakeDynamicsModel(const DynamicsRecipe& recipe,
                                                 int S, int A,
                                                 at::Generator& random,
                                                 at::TensorOptions options);

// A network of the recipe's widths for it.
Mlp MakeDynamicsMlp(const DynamicsRecipe& recipe, int S, int A,
                    at::Generator& random, at::TensorOptions options);

// Mean over rows and values of weights (predicted - target)^2.
at::Tensor WeightedError(const at::Tensor& predicted, const at::Tensor& target,
                         const at::Tensor& weights);

}  // namespace foresight

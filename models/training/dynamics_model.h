// The interface between the training of the dynamics and a kind of model.
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

  // The network to train: [N, S + S + A + T] -> [N, S].
  virtual const Mlp& mlp() const = 0;

  // The loss of a batch, a scalar. Draws its noise from `random`. `weights` [N]
  // is undefined if every row counts the same.
  virtual at::Tensor Loss(const at::Tensor& inputs,   // [N, S + A]
                          const at::Tensor& changes,  // [N, S]
                          const at::Tensor& weights,
                          at::Generator& random) const = 0;

  // J: the number of normal draws behind each value of a sample.
  virtual int slots() const = 0;

  // One sample of x per row, [N, S], with the network `mlp`, equal to the
  // bundle's Sampler for the same z [J, N, S].
  virtual at::Tensor Sample(const Mlp& mlp, const at::Tensor& inputs,
                            const at::Tensor& z) const = 0;
};

// A model of the recipe's kind with random weights.
std::unique_ptr<DynamicsModel> MakeDynamicsModel(const DynamicsRecipe& recipe,
                                                 int S, int A,
                                                 at::Generator& random,
                                                 at::TensorOptions options);

// The network of such a model, with the recipe's widths.
Mlp MakeDynamicsMlp(const DynamicsRecipe& recipe, int S, int A,
                    at::Generator& random, at::TensorOptions options);

// The mean of `weights` (predicted - target)^2 over all rows and values.
at::Tensor WeightedError(const at::Tensor& predicted, const at::Tensor& target,
                         const at::Tensor& weights);

}  // namespace foresight

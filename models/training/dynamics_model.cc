#include "models/training/dynamics_model.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mse_loss.h>

#include "models/training/denoiser.h"
#include "models/training/mean_flow.h"
#include "models/training/trainer.h"

namespace foresight {

std::unique_ptr<DynamicsModel> MakeDynamicsModel(const DynamicsRecipe& recipe,
                                                 int S, int A,
                                                 at::Generator& random,
                                                 at::TensorOptions options) {
  if (recipe.kind == DynamicsKind::kMeanFlow) {
    return std::make_unique<MeanFlow>(recipe, S, A, random, options);
  }
  return std::make_unique<Denoiser>(recipe, S, A, random, options);
}

Mlp MakeDynamicsMlp(const DynamicsRecipe& recipe, int S, int A,
                    at::Generator& random, at::TensorOptions options) {
  MlpShape shape;
  shape.activation = Activation::kSilu;
  shape.widths = {S + S + A + recipe.time_embedding};
  shape.widths.insert(shape.widths.end(), recipe.hidden.begin(),
                      recipe.hidden.end());
  shape.widths.push_back(S);
  return RandomMlp(shape, /*hidden_bias=*/0, /*head=*/0, random, options);
}

at::Tensor WeightedError(const at::Tensor& predicted, const at::Tensor& target,
                         const at::Tensor& weights) {
  if (!weights.defined()) return at::mse_loss(predicted, target);
  return ((predicted - target).square().mean(-1) * weights).mean();
}

}  // namespace foresight

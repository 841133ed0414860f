#include "models/training/denoiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <vector>

namespace foresight {
namespace {

at::Tensor Embeddings(int K, int T, at::TensorOptions options) {
  std::vector<float> rows;
  for (int k = 1; k <= K; ++k) {
    for (const double e : DiffusionEmbedding(k, T)) {
      rows.push_back(static_cast<float>(e));
    }
  }
  return RowsToTensor(rows, T, options);
}

}  // namespace

Denoiser Denoiser::Random(const DynamicsRecipe& recipe, int S, int A,
                          at::Generator& random, at::TensorOptions options) {
  MlpShape shape;
  shape.activation = Activation::kSilu;
  shape.widths = {S + S + A + recipe.time_embedding};
  shape.widths.insert(shape.widths.end(), recipe.hidden.begin(),
                      recipe.hidden.end());
  shape.widths.push_back(S);
  Denoiser denoiser;
  denoiser.mlp =
      RandomMlp(shape, /*hidden_bias=*/0, /*head=*/0, random, options);
  denoiser.schedule = MakeDiffusionSchedule(MakeBetas(recipe));
  denoiser.embedding =
      Embeddings(recipe.sampler_steps, recipe.time_embedding, options);
  denoiser.input_mean = at::zeros({S + A}, options);
  denoiser.input_std = at::ones({S + A}, options);
  denoiser.output_mean = at::zeros({S}, options);
  denoiser.output_std = at::ones({S}, options);
  return denoiser;
}

at::Tensor Denoiser::Inputs(const at::Tensor& states,
                            const at::Tensor& actions) const {
  return (at::cat({states, actions}, -1) - input_mean) / input_std;
}

at::Tensor Denoiser::Predict(const at::Tensor& u, const at::Tensor& inputs,
                             const at::Tensor& k) const {
  return mlp.Forward(at::cat({u, inputs, embedding.index_select(0, k)}, -1));
}

at::Tensor Denoiser::Sample(const at::Tensor& states, const at::Tensor& actions,
                            const at::Tensor& z) const {
  const at::Tensor inputs = Inputs(states, actions);
  const int64_t K = embedding.size(0);
  at::Tensor u = z[0];
  for (int64_t k = K - 1; k >= 0; --k) {
    const at::Tensor steps =
        at::full({states.size(0)}, k, states.options().dtype(at::kLong));
    u = schedule.c1[k] * u - schedule.c2[k] * Predict(u, inputs, steps);
    if (k > 0) u = u + schedule.sigma[k] * z[K - k];
  }
  return states + output_mean + output_std * u;
}

}  // namespace foresight

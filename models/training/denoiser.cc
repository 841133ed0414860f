#include "models/training/denoiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <vector>

#include "models/training/trainer.h"

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

Denoiser::Denoiser(const DynamicsRecipe& recipe, int S, int A,
                   at::Generator& random, at::TensorOptions options)
    : mlp_(MakeDynamicsMlp(recipe, S, A, random, options)),
      schedule_(MakeDiffusionSchedule(MakeBetas(recipe))),
      embedding_(
          Embeddings(recipe.sampler_steps, recipe.time_embedding, options)) {
  std::vector<float> signal, noise;
  for (const double alpha_bar : schedule_.alpha_bar) {
    signal.push_back(static_cast<float>(std::sqrt(alpha_bar)));
    noise.push_back(static_cast<float>(std::sqrt(1 - alpha_bar)));
  }
  signal_ = RowsToTensor(signal, 0, options);
  noise_ = RowsToTensor(noise, 0, options);
}

at::Tensor Denoiser::Predict(const Mlp& mlp, const at::Tensor& u,
                             const at::Tensor& inputs,
                             const at::Tensor& k) const {
  return mlp.Forward(at::cat({u, inputs, embedding_.index_select(0, k)}, -1));
}

at::Tensor Denoiser::Loss(const at::Tensor& inputs, const at::Tensor& changes,
                          const at::Tensor& weights,
                          at::Generator& random) const {
  const auto device = inputs.device();
  const at::Tensor k = ToDevice(at::randint(slots(), {inputs.size(0)}, random,
                                            at::TensorOptions(at::kLong)),
                                device);
  const at::Tensor noise = ToDevice(
      at::randn(changes.sizes(), random, at::TensorOptions(at::kFloat)),
      device);
  const at::Tensor u = signal_.index_select(0, k).unsqueeze(-1) * changes +
                       noise_.index_select(0, k).unsqueeze(-1) * noise;
  return WeightedError(Predict(mlp_, u, inputs, k), noise, weights);
}

at::Tensor Denoiser::Sample(const Mlp& mlp, const at::Tensor& inputs,
                            const at::Tensor& z) const {
  const int64_t K = slots();
  at::Tensor u = z[0];
  for (int64_t k = K - 1; k >= 0; --k) {
    const at::Tensor steps =
        at::full({inputs.size(0)}, k, inputs.options().dtype(at::kLong));
    u = schedule_.c1[k] * u - schedule_.c2[k] * Predict(mlp, u, inputs, steps);
    if (k > 0) u = u + schedule_.sigma[k] * z[K - k];
  }
  return u;
}

}  // namespace foresight

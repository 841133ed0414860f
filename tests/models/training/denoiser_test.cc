#include "models/training/denoiser.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace foresight {
namespace {

constexpr int S = 2, A = 1, K = 3;

Denoiser Make(at::Generator& random) {
  DynamicsRecipe recipe;
  recipe.hidden = {8, 8};
  recipe.sampler_steps = K;
  recipe.time_embedding = 4;
  return Denoiser(recipe, S, A, random, at::TensorOptions(at::kFloat));
}

// With zero weights in its head eps_theta is the bias, so the sampler is only
// the schedule's recursion.
TEST(Denoiser, SamplesByTheSchedulesRecursion) {
  const at::NoGradGuard no_grad;
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(1);
  const Denoiser denoiser = Make(random);
  denoiser.mlp().layers.back().weight.zero_();
  denoiser.mlp().layers.back().bias.fill_(0.25f);
  const at::Tensor z = at::randn({K, 1, S}, random);
  const at::Tensor x = denoiser.Sample(denoiser.mlp(), at::ones({1, S + A}), z);

  // docs/method.md section 2, in double.
  DynamicsRecipe recipe;
  recipe.sampler_steps = K;
  const std::vector<float> betas = MakeBetas(recipe);
  double abar[K + 1] = {1};
  for (int k = 1; k <= K; ++k) abar[k] = abar[k - 1] * (1 - betas[k - 1]);
  for (int i = 0; i < S; ++i) {
    double u = z[0][0][i].item<double>();
    for (int k = K; k >= 1; --k) {
      const double beta = betas[k - 1];
      u = (u - beta / std::sqrt(1 - abar[k]) * 0.25) / std::sqrt(1 - beta);
      if (k == 1) break;
      u += std::sqrt(beta * (1 - abar[k - 1]) / (1 - abar[k])) *
           z[K - k + 1][0][i].item<double>();
    }
    EXPECT_NEAR(x[0][i].item<double>(), u, 1e-5);
  }
}

TEST(Denoiser, SeesStateActionAndStepOfEachRow) {
  const at::NoGradGuard no_grad;
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(1);
  const Denoiser denoiser = Make(random);
  const Mlp& mlp = denoiser.mlp();
  const at::Tensor u = at::randn({4, S}, random);
  const at::Tensor inputs = at::randn({4, S + A}, random);
  const at::Tensor k = at::tensor({0, 2, 1, 2}, at::TensorOptions(at::kLong));
  const at::Tensor all = denoiser.Predict(mlp, u, inputs, k);
  for (int64_t row = 0; row < 4; ++row) {
    const at::Tensor one =
        denoiser.Predict(mlp, u.narrow(0, row, 1), inputs.narrow(0, row, 1),
                         k.narrow(0, row, 1));
    EXPECT_TRUE(at::allclose(one[0], all[row], 1e-5, 1e-6));
  }
  const auto differs = [&](const at::Tensor& other) {
    return (other - all).abs().min().item<double>() > 0;
  };
  EXPECT_TRUE(differs(denoiser.Predict(mlp, u + 1, inputs, k)));
  EXPECT_TRUE(differs(denoiser.Predict(mlp, u, inputs + 1, k)));
  EXPECT_TRUE(differs(denoiser.Predict(mlp, u, inputs, (k + 1).remainder(K))));
}

// With a zero head no noise is predicted, so each row's loss is its noise's
// mean square.
TEST(Denoiser, TheLossCountsRowsByTheirWeights) {
  const at::NoGradGuard no_grad;
  const auto loss = [](const at::Tensor& weights) {
    at::Generator random = at::make_generator<at::CPUGeneratorImpl>(1);
    const Denoiser denoiser = Make(random);
    denoiser.mlp().layers.back().weight.zero_();
    return denoiser
        .Loss(at::ones({6, S + A}), at::ones({6, S}), weights, random)
        .item<double>();
  };
  const double plain = loss({});
  EXPECT_GT(plain, 0);
  EXPECT_NEAR(loss(at::ones({6})), plain, 1e-6);
  EXPECT_NEAR(loss(at::full({6}, 3.0f)), 3 * plain, 1e-5);
  // The rows' losses add up to the whole.
  double sum = 0;
  for (int64_t row = 0; row < 6; ++row) {
    at::Tensor one = at::zeros({6});
    one[row] = 1;
    sum += loss(one);
  }
  EXPECT_NEAR(sum, plain, 1e-5);
}

}  // namespace
}  // namespace foresight

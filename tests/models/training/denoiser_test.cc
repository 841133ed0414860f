#include "models/training/denoiser.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/tensor.h>
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
  Denoiser denoiser =
      Denoiser::Random(recipe, S, A, random, at::TensorOptions(at::kFloat));
  denoiser.input_mean = at::tensor({1.0f, -2.0f, 0.5f});
  denoiser.input_std = at::tensor({2.0f, 0.5f, 4.0f});
  denoiser.output_mean = at::tensor({0.1f, 0.2f});
  denoiser.output_std = at::tensor({3.0f, 0.3f});
  return denoiser;
}

// A head of zeros makes eps_theta = its bias, so that the sampler is the
// schedule's recursion alone.
TEST(Denoiser, SamplesByTheSchedulesRecursion) {
  const at::NoGradGuard no_grad;
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(1);
  Denoiser denoiser = Make(random);
  denoiser.mlp.layers.back().weight.zero_();
  denoiser.mlp.layers.back().bias.fill_(0.25f);
  const at::Tensor s = at::tensor({0.5f, -1.0f}).view({1, 2});
  const at::Tensor a = at::tensor({0.3f}).view({1, 1});
  const at::Tensor z = at::randn({K, 1, S}, random);
  const at::Tensor next = denoiser.Sample(s, a, z);

  // method.md section 2, in double.
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
    const double mean = i == 0 ? 0.1 : 0.2, std = i == 0 ? 3 : 0.3;
    EXPECT_NEAR(next[0][i].item<double>(),
                s[0][i].item<double>() + mean + std * u, 1e-5);
  }
}

TEST(Denoiser, SeesStateActionAndStepOfEachRow) {
  const at::NoGradGuard no_grad;
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(1);
  const Denoiser denoiser = Make(random);
  const at::Tensor u = at::randn({4, S}, random);
  const at::Tensor inputs = at::randn({4, S + A}, random);
  const at::Tensor k = at::tensor({0, 2, 1, 2}, at::TensorOptions(at::kLong));
  const at::Tensor all = denoiser.Predict(u, inputs, k);
  for (int64_t row = 0; row < 4; ++row) {
    const at::Tensor one = denoiser.Predict(
        u.narrow(0, row, 1), inputs.narrow(0, row, 1), k.narrow(0, row, 1));
    EXPECT_TRUE(at::allclose(one[0], all[row], 1e-5, 1e-6));
  }
  const auto differs = [&](const at::Tensor& other) {
    return (other - all).abs().min().item<double>() > 0;
  };
  EXPECT_TRUE(differs(denoiser.Predict(u + 1, inputs, k)));
  EXPECT_TRUE(differs(denoiser.Predict(u, inputs + 1, k)));
  EXPECT_TRUE(differs(denoiser.Predict(u, inputs, (k + 1).remainder(K))));
}

TEST(Denoiser, StandardisesItsInputs) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(1);
  const Denoiser denoiser = Make(random);
  const at::Tensor inputs = denoiser.Inputs(
      at::tensor({5.0f, -1.0f}).view({1, 2}), at::tensor({-3.5f}).view({1, 1}));
  EXPECT_TRUE(
      at::allclose(inputs, at::tensor({2.0f, 2.0f, -1.0f}).view({1, 3})));
}

}  // namespace
}  // namespace foresight

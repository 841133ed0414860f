#include "models/training/tilt.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace foresight {
namespace {

double SampleSize(const at::Tensor& weights) {
  const double sum = weights.sum().item<double>();
  return sum * sum / weights.square().sum().item<double>();
}

TEST(TiltedWeights, AreTheLikelihoodsOverTheirMean) {
  // l = -d / 0.08, so exp(eta l) is 1 and exp(-1) for eta 0.5.
  const at::Tensor weights = TiltedWeights(at::tensor({0.0f, 0.16f}), 0.5);
  const double mean = (1 + std::exp(-1)) / 2;
  EXPECT_NEAR(weights[0].item<double>(), 1 / mean, 1e-6);
  EXPECT_NEAR(weights[1].item<double>(), std::exp(-1) / mean, 1e-6);
}

TEST(TiltedWeights, WithoutATiltEveryRowCountsTheSame) {
  const at::Tensor weights = TiltedWeights(at::tensor({0.0f, 5.0f, 1.0f}), 0);
  EXPECT_EQ((weights - 1).abs().max().item<double>(), 0);
}

// Actions at distance 24 count as much as those at distance 0.8.
TEST(TiltedWeights, ARowFarFromThePolicyIsNotForgotten) {
  const at::Tensor weights =
      TiltedWeights(at::tensor({0.0f, 0.8f, 24.0f, 0.0f}), 0.2);
  EXPECT_EQ(weights[1].item<double>(), weights[2].item<double>());
  EXPECT_NEAR((weights[2] / weights[0]).item<double>(), std::exp(-2), 1e-6);
}

TEST(TiltedWeights, NoneIsAboveTwenty) {
  // One row in a thousand is likely, but half of the sample must count.
  const at::Tensor distances = at::cat({at::zeros({1}), at::full({999}, 5.0f)});
  const at::Tensor weights = TiltedWeights(distances, 100);
  EXPECT_LE(weights.max().item<double>(), 20 + 1e-5);
  EXPECT_GT(weights.max().item<double>(), 19);
}

TEST(TiltedWeights, HalfOfTheSampleCounts) {
  const at::Tensor distances = at::linspace(0, 2, 1000);
  for (const double eta : {0.01, 1.0, 100.0}) {
    const at::Tensor weights = TiltedWeights(distances, eta);
    EXPECT_GE(SampleSize(weights), 500 - 1e-3) << eta;
    EXPECT_GT(weights[0].item<double>(), weights[999].item<double>());
  }
  // eta is reduced no further than necessary.
  EXPECT_LT(SampleSize(TiltedWeights(distances, 100)), 501);
}

}  // namespace
}  // namespace foresight

#include "models/training/optimiser.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace foresight {
namespace {

TEST(CosineDecay, FallsFromOneToTheFinalFraction) {
  EXPECT_DOUBLE_EQ(CosineDecay(2e-3, 0.1, 0, 100), 2e-3);
  // Half-way: f + (1 - f) / 2.
  EXPECT_DOUBLE_EQ(CosineDecay(2e-3, 0.1, 50, 100), 2e-3 * 0.55);
  EXPECT_NEAR(CosineDecay(2e-3, 0.1, 25, 100),
              2e-3 * (0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2), 1e-15);
  EXPECT_DOUBLE_EQ(CosineDecay(2e-3, 0.1, 100, 100), 2e-4);
  EXPECT_DOUBLE_EQ(CosineDecay(2e-3, 0.1, 1000, 100), 2e-4);
}

// Kingma and Ba's algorithm 1 in double.
struct ScalarAdam {
  double m = 0, v = 0, x = 0;
  int t = 0;
  void Step(double g, double rate) {
    ++t;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    x -= rate * (m / (1 - std::pow(0.9, t))) /
         (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
  }
};

TEST(Adam, TakesTheStepsOfItsPaper) {
  at::Tensor parameter = at::tensor({1.0f, -2.0f});
  Adam adam({parameter}, {0.1, 0.5, 4});
  ScalarAdam expected[2];
  expected[0].x = 1;
  expected[1].x = -2;
  const float gradients[][2] = {
      {0.3f, -4}, {-0.1f, 2}, {5, 1e-3f}, {1, 0}, {1, 1}};
  for (int t = 0; t < 5; ++t) {
    const double rate = CosineDecay(0.1, 0.5, t, 4);
    adam.Step({at::tensor({gradients[t][0], gradients[t][1]})});
    for (int i = 0; i < 2; ++i) {
      expected[i].Step(gradients[t][i], rate);
      // float32 differs from double by some units in the last place per step.
      EXPECT_NEAR(parameter[i].item<float>(), expected[i].x, 2e-6);
    }
  }
}

TEST(RunningAverage, KeepsADecayingMean) {
  at::Tensor parameter = at::tensor({1.0f, 8.0f});
  RunningAverage average({parameter}, 0.75);
  EXPECT_EQ(average.values()[0][1].item<float>(), 8);
  parameter.copy_(at::tensor({5.0f, 0.0f}));
  average.Update();
  average.Update();
  // 0.75^2 * 1 + (1 - 0.75^2) * 5, and 0.75^2 * 8: exact in float32.
  EXPECT_EQ(average.values()[0][0].item<float>(), 2.75f);
  EXPECT_EQ(average.values()[0][1].item<float>(), 4.5f);
}

}  // namespace
}  // namespace foresight

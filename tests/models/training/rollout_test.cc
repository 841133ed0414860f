#include "models/training/rollout.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace foresight {
namespace {

const at::TensorOptions kFloats(at::kFloat);

// s_{i+1} = s_i + a_i with a_i = i: 0, 0, 1, 3, 6 | 100, 105.
Dataset Example() {
  Dataset dataset;
  dataset.observation_size = 1;
  dataset.action_size = 1;
  dataset.observations = {0, 0, 1, 3, 6, 100, 105};
  dataset.actions = {0, 1, 2, 3, 4, 5, 6};
  dataset.rewards.assign(7, 0);
  dataset.episodes = {{0, 5, false}, {5, 7, false}};
  return dataset;
}

at::Tensor Add(const at::Tensor& s, const at::Tensor& a, const at::Tensor&) {
  return s + a;
}
at::Tensor Stay(const at::Tensor& s, const at::Tensor&, const at::Tensor&) {
  return s;
}

TEST(RecordRollouts, FollowsEpisodes) {
  const Dataset dataset = Example();
  const RecordedRollouts rollouts =
      RecordRollouts(dataset, dataset.episodes, 2, 100, kFloats);
  EXPECT_EQ(rollouts.steps(), 2);
  EXPECT_TRUE(
      at::equal(rollouts.states.flatten(), at::tensor({0.0f, 0.0f, 1.0f})));
  EXPECT_TRUE(
      at::equal(rollouts.ends.flatten(), at::tensor({1.0f, 3.0f, 6.0f})));
  EXPECT_TRUE(
      at::equal(rollouts.actions[1].flatten(), at::tensor({1.0f, 2.0f, 3.0f})));
}

TEST(MeasureRollouts, FindsNoErrorInTheTrueTransition) {
  const Dataset dataset = Example();
  for (const int steps : {1, 2, 4}) {
    const RegressionError error = MeasureRollouts(
        RecordRollouts(dataset, dataset.episodes, steps, 100, kFloats), 0, Add);
    EXPECT_EQ(error.rmse, 0);
    EXPECT_EQ(error.standard_error, 0);
    EXPECT_EQ(error.worst_row, 0);
  }
}

TEST(MeasureRollouts, MeasuresHowFarTheStateMoved) {
  const Dataset dataset = Example();
  // Two steps move by 1, 3 and 5: squares 1, 9, 25.
  const RegressionError error = MeasureRollouts(
      RecordRollouts(dataset, dataset.episodes, 2, 100, kFloats), 0, Stay);
  EXPECT_DOUBLE_EQ(error.rmse, std::sqrt(35.0 / 3));
  EXPECT_DOUBLE_EQ(error.worst_row, 5);
  const double mean = 35.0 / 3;
  const double deviation = std::sqrt(
      (std::pow(1 - mean, 2) + std::pow(9 - mean, 2) + std::pow(25 - mean, 2)) /
      2);
  EXPECT_NEAR(error.standard_error,
              deviation / (2 * std::sqrt(mean) * std::sqrt(3.0)), 1e-12);
}

TEST(MeasureRollouts, DrawsTheSameNormalNoiseEveryTime) {
  Dataset dataset = Example();
  dataset.observations.assign(7000, 0);
  dataset.actions.assign(7000, 0);
  const RecordedRollouts rollouts =
      RecordRollouts(dataset, {{0, 7000, false}}, 1, 7000, kFloats);
  const auto noise = [](const at::Tensor& s, const at::Tensor&,
                        const at::Tensor& z) { return s + z[0] + z[1]; };
  const RegressionError error = MeasureRollouts(rollouts, 2, noise);
  // The sum of two normal numbers; 3 % is 3.5 standard errors for 7000 values.
  EXPECT_NEAR(error.rmse, std::sqrt(2.0), 0.03 * std::sqrt(2.0));
  EXPECT_EQ(MeasureRollouts(rollouts, 2, noise).rmse, error.rmse);
}

TEST(MeasureError, IsOverRowsAndDimensions) {
  const at::Tensor truth = at::tensor({0.0f, 0.0f, 0.0f, 0.0f}).view({2, 2});
  const at::Tensor predicted =
      at::tensor({3.0f, 1.0f, 0.0f, 2.0f}).view({2, 2});
  const RegressionError error = MeasureError(predicted, truth);
  EXPECT_DOUBLE_EQ(error.rmse, std::sqrt(14.0 / 4));
  EXPECT_DOUBLE_EQ(error.worst_row, std::sqrt(5.0));
}

}  // namespace
}  // namespace foresight

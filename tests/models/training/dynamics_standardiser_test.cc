#include "models/training/dynamics_standardiser.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(DynamicsStandardiser, StandardisesInputsAndChanges) {
  DynamicsStandardiser standardiser;
  standardiser.input_mean = at::tensor({1.0f, -2.0f, 0.5f});
  standardiser.input_std = at::tensor({2.0f, 0.5f, 4.0f});
  standardiser.output_mean = at::tensor({0.1f, 0.2f});
  standardiser.output_std = at::tensor({3.0f, 0.5f});
  const at::Tensor s = at::tensor({5.0f, -1.0f}).view({1, 2});
  const at::Tensor a = at::tensor({-3.5f}).view({1, 1});
  EXPECT_TRUE(at::allclose(standardiser.Inputs(s, a),
                           at::tensor({2.0f, 2.0f, -1.0f}).view({1, 3})));
  const at::Tensor next = at::tensor({8.1f, -1.3f}).view({1, 2});
  const at::Tensor x = standardiser.Changes(s, next);
  EXPECT_TRUE(at::allclose(x, at::tensor({1.0f, -1.0f}).view({1, 2})));
  EXPECT_TRUE(at::allclose(standardiser.Next(s, x), next));
}

TEST(DynamicsStandardiser, FitsTheTransitions) {
  Transitions rows;
  rows.states = {0, 2};
  rows.actions = {5, 5};  // Never varies: gets the smallest std.
  rows.next_states = {1, 5};
  rows.rewards = {0, 0};
  const DynamicsStandardiser standardiser =
      DynamicsStandardiser::Fit(rows, 1, 1, at::TensorOptions(at::kFloat));
  EXPECT_TRUE(at::allclose(standardiser.input_mean, at::tensor({1.0f, 5.0f})));
  EXPECT_TRUE(at::allclose(standardiser.input_std, at::tensor({1.0f, 1e-3f})));
  EXPECT_TRUE(at::allclose(standardiser.output_mean, at::tensor({2.0f})));
  EXPECT_TRUE(at::allclose(standardiser.output_std, at::tensor({1.0f})));
  EXPECT_EQ(standardiser.Tensors().count("constant.dynamics.output.std"), 1u);
}

}  // namespace
}  // namespace foresight

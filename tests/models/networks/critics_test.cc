#include "models/networks/critics.h"

#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "tests/support/plain_networks.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

const double kRounding = 1e-13;

const std::vector<std::vector<double>> kStates = {
    {0.3, -1, 2}, {-0.5, 0, 1}, {1, 1, 1}, {-2, 0.1, 0}, {0, -1.5, -1}};
const std::vector<std::vector<double>> kActions = {
    {0.3, -1}, {-0.5, 0}, {1, 1}, {-0.9, 0.1}, {0, 0.7}};

TEST(CriticNetworks, EqualPlainLoopsInDouble) {
  const Bundle bundle = RandomBundle();
  const CriticNetworks critics = CriticNetworks::FromBundle(bundle, Double());
  std::vector<double> expected, minimum;
  for (int i = 0; i < 2; ++i) {
    for (size_t n = 0; n < kStates.size(); ++n) {
      expected.push_back(PlainCritic(bundle, i, kStates[n], kActions[n]));
    }
  }
  const at::Tensor s = FromRows(kStates), a = FromRows(kActions);
  EXPECT_THAT(Values(critics.Values(s, a)),
              Pointwise(DoubleNear(kRounding), expected));
  bool first_is_smaller = false, second_is_smaller = false;
  for (size_t n = 0; n < kStates.size(); ++n) {
    const double q0 = expected[n], q1 = expected[n + kStates.size()];
    minimum.push_back(std::min(q0, q1));
    first_is_smaller |= q0 < q1;
    second_is_smaller |= q1 < q0;
  }
  EXPECT_TRUE(first_is_smaller && second_is_smaller);
  EXPECT_THAT(Values(critics.Minimum(s, a)),
              Pointwise(DoubleNear(kRounding), minimum));
}

// Q_i(s, a) = slope_i a for a > 0, through one ReLU unit.
CriticNetworks LinearCritics(double slope0, double slope1) {
  CriticNetworks critics;
  const double slopes[] = {slope0, slope1};
  for (int i = 0; i < 2; ++i) {
    critics.mlps[i].layers = {
        {FromRows({{0.0, 1.0}}), at::tensor({0.0}, Double()), {}, {}},
        {FromRows({{slopes[i]}}), at::tensor({0.0}, Double()), {}, {}}};
  }
  return critics;
}

TEST(CriticNetworks, GradientGoesThroughTheSmallerOne) {
  const at::Tensor s = FromRows({{1}, {1}});
  const at::Tensor a = FromRows({{1}, {2}}).set_requires_grad(true);
  for (const bool first : {true, false}) {
    const CriticNetworks critics = LinearCritics(first ? 2 : 5, first ? 5 : 2);
    const at::Tensor q = critics.Minimum(s, a);
    EXPECT_THAT(Values(q), ElementsAre(2, 4));
    EXPECT_THAT(Values(torch::autograd::grad({q.sum()}, {a})[0]), Each(2));
  }
}

// If both critics are equal, the first one's gradient counts, not the mean. At
// a = 0.5 both are 1, one with slope 2, the other with slope 0.
TEST(CriticNetworks, TheFirstCountsWhereTheyAreEqual) {
  for (const bool first : {true, false}) {
    CriticNetworks critics = LinearCritics(first ? 2 : 0, first ? 0 : 2);
    critics.mlps[first ? 1 : 0].layers[1].bias = at::tensor({1.0}, Double());
    const at::Tensor a = FromRows({{0.5}}).set_requires_grad(true);
    const at::Tensor q = critics.Minimum(FromRows({{1}}), a);
    EXPECT_THAT(Values(q), ElementsAre(1));
    EXPECT_THAT(Values(torch::autograd::grad({q}, {a})[0]),
                ElementsAre(first ? 2 : 0));
  }
}

}  // namespace
}  // namespace foresight

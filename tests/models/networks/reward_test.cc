#include "models/networks/reward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "tests/support/plain_networks.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

const double kRounding = 1e-13;

// r = 10 + 3 (2 silu(s + 4 a) - 1)
TEST(RewardNetwork, IsTheHandComputedOneOfOneUnit) {
  RewardNetwork reward;
  reward.mean = 10;
  reward.std = 3;
  reward.mlp.activation = Activation::kSilu;
  reward.mlp.layers = {
      {FromRows({{1.0, 4.0}}), at::tensor({0.0}, Double()), {}, {}},
      {FromRows({{2.0}}), at::tensor({-1.0}, Double()), {}, {}}};
  const double silu = 0.9 / (1 + std::exp(-0.9));
  EXPECT_THAT(Values(reward.Forward(FromRows({{0.1}}), FromRows({{0.2}}))),
              ElementsAre(DoubleNear(10 + 3 * (2 * silu - 1), kRounding)));
}

TEST(RewardNetwork, EqualsPlainLoopsInDouble) {
  const Bundle bundle = RandomBundle();
  const RewardNetwork reward = RewardNetwork::FromBundle(bundle, Double());
  const std::vector<double> s = {0.3, -1, 2}, a = {0.5, -0.2};
  const std::vector<double> s2 = {-2, 0.1, 0}, a2 = {-1, 1};
  EXPECT_THAT(Values(reward.Forward(FromRows({s, s2}), FromRows({a, a2}))),
              ElementsAre(DoubleNear(PlainReward(bundle, s, a), kRounding),
                          DoubleNear(PlainReward(bundle, s2, a2), kRounding)));
}

}  // namespace
}  // namespace foresight

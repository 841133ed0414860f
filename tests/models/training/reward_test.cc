#include "models/training/reward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace foresight {
namespace {

// r = 10 + 3 cos(2 s) - a^2, s and a ~ U(-1, 1).
Transitions Rows(int count, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto uniform = [&] {
    return static_cast<float>(random() % 20001) / 10000 - 1;
  };
  Transitions rows;
  for (int i = 0; i < count; ++i) {
    const float s = uniform(), a = uniform();
    rows.states.push_back(s);
    rows.actions.push_back(a);
    rows.rewards.push_back(10 + 3 * std::cos(2 * s) - a * a);
  }
  return rows;
}

TEST(RewardTrainer, LearnsACurvedReward) {
  RewardRecipe recipe;
  recipe.schedule = {600, 64, 3e-3, 0.1, 0.95, 1};
  recipe.hidden = {32, 32};
  RewardTrainer trainer(recipe, 1, 1, Rows(2000, 1), Rows(200, 2),
                        at::TensorOptions(at::kFloat));
  for (int i = 0; i < 600; ++i) trainer.Step();
  const Measurements measured = trainer.Evaluate();
  ASSERT_EQ(measured[0].first, "reward_rmse");
  // The rewards' deviation is 1.4 in raw units; 600 updates leave 5 % of it.
  EXPECT_LT(measured[0].second, 0.07);
  EXPECT_GT(measured[1].second, 0);
  EXPECT_GE(measured[2].second, measured[0].second);
}

}  // namespace
}  // namespace foresight

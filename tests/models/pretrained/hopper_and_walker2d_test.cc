// The shipped bundles of hopper and walker2d are as good as RESULTS.md states,
// and measure the same again.
#include <gtest/gtest.h>

#include "tests/models/pretrained/measured_again.h"

namespace foresight {
namespace {

struct Promise {
  const char* name;
  float state_rmse_1, reward_rmse;  // At most.
};

class HopperAndWalker2d : public ::testing::TestWithParam<Promise> {};

TEST_P(HopperAndWalker2d, IsAsGoodAsPromised) {
  const auto bundle = LoadShipped(GetParam().name);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto& measured = bundle->manifest().provenance().measured();
  EXPECT_LE(measured.at("state_rmse_1"), GetParam().state_rmse_1);
  EXPECT_LE(measured.at("state_rmse_10"),
            2.0f / 3 * measured.at("linear_rmse_10"));
  EXPECT_LE(measured.at("reward_rmse"), GetParam().reward_rmse);
  const auto recipe = ReadShippedRecipe(GetParam().name);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(bundle->defaults().action_step, recipe->defaults.action_step);
  EXPECT_EQ(bundle->defaults().horizon, recipe->defaults.horizon);
  EXPECT_EQ(bundle->defaults().particles, recipe->defaults.particles);
}

TEST_P(HopperAndWalker2d, MeasuresTheSameAgain) {
  ExpectMeasuresTheSameAgain(GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    Shipped, HopperAndWalker2d,
    ::testing::Values(Promise{"hopper-full-replay", 0.06f, 0.02f},
                      Promise{"walker2d-medium-replay", 0.75f, 0.06f}));

}  // namespace
}  // namespace foresight

// Each shipped bundle is as good as RESULTS.md states, and measures the same
// again.
#include <gtest/gtest.h>

#include <ostream>

#include "tests/models/pretrained/measured_again.h"

namespace foresight {
namespace {

struct Promise {
  const char* name;
  // Upper limits.
  float state_rmse_1, reward_rmse;
  float ten_steps;  // On state_rmse_10, as a fraction of the linear fit's.
};

// Names the test of each bundle.
void PrintTo(const Promise& promise, std::ostream* out) {
  *out << promise.name;
}

class ShippedBundle : public ::testing::TestWithParam<Promise> {};

TEST_P(ShippedBundle, IsAsGoodAsPromised) {
  const auto bundle = LoadShipped(GetParam().name);
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto& measured = bundle->manifest().provenance().measured();
  EXPECT_LE(measured.at("state_rmse_1"), GetParam().state_rmse_1);
  EXPECT_LE(measured.at("state_rmse_10"),
            GetParam().ten_steps * measured.at("linear_rmse_10"));
  EXPECT_LE(measured.at("reward_rmse"), GetParam().reward_rmse);
  const auto recipe = ReadShippedRecipe(GetParam().name);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(bundle->defaults().action_step, recipe->defaults.action_step);
  EXPECT_EQ(bundle->defaults().horizon, recipe->defaults.horizon);
  EXPECT_EQ(bundle->defaults().particles, recipe->defaults.particles);
}

TEST_P(ShippedBundle, MeasuresTheSameAgain) {
  ExpectMeasuresTheSameAgain(GetParam().name);
}

INSTANTIATE_TEST_SUITE_P(
    Tasks, ShippedBundle,
    ::testing::Values(
        Promise{"halfcheetah-medium-replay-500k", 0.40f, 0.055f, 0.85f},
        Promise{"halfcheetah-medium-replay-mean-flow", 0.55f, 0.055f, 1.0f},
        Promise{"halfcheetah-medium-replay-wide", 0.30f, 0.055f, 0.70f},
        Promise{"halfcheetah-random", 0.65f, 0.14f, 0.67f},
        Promise{"hopper-full-replay", 0.06f, 0.02f, 0.67f},
        Promise{"hopper-full-replay-mean-flow", 0.06f, 0.02f, 0.67f},
        Promise{"walker2d-medium-replay", 0.75f, 0.06f, 0.67f},
        Promise{"walker2d-medium-replay-mean-flow", 0.75f, 0.06f, 0.75f},
        Promise{"walker2d-medium-replay-tilted", 0.75f, 0.06f, 0.70f}));

}  // namespace
}  // namespace foresight

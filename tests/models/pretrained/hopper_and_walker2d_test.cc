// The shipped bundles of hopper and walker2d are as good as RESULTS.md states,
// and measure the same again.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "models/bundle/bundle.h"
#include "models/training/data_source.h"
#include "models/training/device.h"
#include "models/training/evaluation.h"
#include "models/training/recipe.h"

namespace foresight {
namespace {

struct Promise {
  const char* name;
  float state_rmse_1, reward_rmse;  // At most.
};

class HopperAndWalker2d : public ::testing::TestWithParam<Promise> {
 protected:
  static std::string Name() { return GetParam().name; }
  static absl::StatusOr<Bundle> Load() {
    return Bundle::Load(
        absl::StrCat(FORESIGHT_SOURCE_DIR "/models/pretrained/", Name()));
  }
  static absl::StatusOr<Recipe> Read() {
    return ReadRecipe(absl::StrCat(
        FORESIGHT_SOURCE_DIR "/models/training/recipes/", Name(), ".json"));
  }
};

TEST_P(HopperAndWalker2d, IsAsGoodAsPromised) {
  const auto bundle = Load();
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto& measured = bundle->manifest().provenance().measured();
  EXPECT_LE(measured.at("state_rmse_1"), GetParam().state_rmse_1);
  EXPECT_LE(measured.at("state_rmse_10"),
            2.0f / 3 * measured.at("linear_rmse_10"));
  EXPECT_LE(measured.at("reward_rmse"), GetParam().reward_rmse);
  const auto recipe = Read();
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(bundle->defaults().action_step, recipe->defaults.action_step);
  EXPECT_EQ(bundle->defaults().horizon, recipe->defaults.horizon);
  EXPECT_EQ(bundle->defaults().particles, recipe->defaults.particles);
}

TEST_P(HopperAndWalker2d, MeasuresTheSameAgain) {
  const std::filesystem::path data =
      absl::StrCat(FORESIGHT_SHARED_DIR "/data/", Name(), ".hdf5");
  if (!std::filesystem::exists(data)) {
    GTEST_SKIP() << data << " is not here";
  }
  const auto bundle = Load();
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto recipe = Read();
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  const auto source = ReadDataSource(*recipe, data);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->description, bundle->manifest().provenance().data());
  const auto table = MeasureBundle(*bundle, *source, *TensorsOn("cpu"));
  ASSERT_TRUE(table.ok()) << table.status();
  const auto& measured = bundle->manifest().provenance().measured();
  for (const auto& [name, value] : Summarise(*table)) {
    // Other processors round differently; worst rollouts amplify it most.
    const double part = absl::EndsWith(name, "_worst") ? 0.1 : 0.01;
    EXPECT_NEAR(measured.at(name), value, part * value) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shipped, HopperAndWalker2d,
    ::testing::Values(Promise{"hopper-full-replay", 0.06f, 0.02f},
                      Promise{"walker2d-medium-replay", 0.75f, 0.06f}));

}  // namespace
}  // namespace foresight

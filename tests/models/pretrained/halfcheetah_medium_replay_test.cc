// The shipped bundle has the quality that its provenance and RESULTS.md state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "models/bundle/bundle.h"
#include "models/training/data_source.h"
#include "models/training/device.h"
#include "models/training/evaluation.h"
#include "models/training/recipe.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr char kBundle[] =
    FORESIGHT_SOURCE_DIR "/models/pretrained/halfcheetah-medium-replay";
constexpr char kRecipe[] = FORESIGHT_SOURCE_DIR
    "/models/training/recipes/halfcheetah-medium-replay.json";
constexpr char kData[] =
    FORESIGHT_SHARED_DIR "/data/halfcheetah-medium-replay.hdf5";

class HalfCheetahMediumReplay : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bundle = Bundle::Load(kBundle);
    ASSERT_TRUE(bundle.ok()) << bundle.status();
    bundle_.emplace(*std::move(bundle));
  }
  float Measured(const std::string& name) const {
    const auto& measured = bundle_->manifest().provenance().measured();
    const auto found = measured.find(name);
    EXPECT_NE(found, measured.end()) << name;
    return found == measured.end() ? 0 : found->second;
  }
  std::optional<Bundle> bundle_;
};

TEST_F(HalfCheetahMediumReplay, IsAsGoodAsPromised) {
  EXPECT_LE(Measured("state_rmse_1"), 0.45 * Measured("linear_rmse_1"));
  EXPECT_LE(Measured("state_rmse_5"), 1.0);
  EXPECT_LE(Measured("state_rmse_10"), 1.8);
  // No rollout explodes: even the worst is off by less than the state moves in
  // a step.
  EXPECT_LE(Measured("state_rmse_10_worst"), Measured("stays_rmse_1"));
  EXPECT_LE(Measured("reward_rmse"), 0.06);
}

TEST_F(HalfCheetahMediumReplay, SaysWhereItComesFrom) {
  const auto recipe = ReadRecipe(kRecipe);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  const v1::Provenance& provenance = bundle_->manifest().provenance();
  EXPECT_EQ(provenance.environment(), recipe->environment);
  EXPECT_THAT(provenance.data(),
              HasSubstr("halfcheetah-medium-replay.hdf5, 200000 rows, sha256"));
  for (const std::string part : kParts) {
    EXPECT_EQ(provenance.training_steps().at(part),
              ScheduleOf(*recipe, part).steps);
  }
}

TEST_F(HalfCheetahMediumReplay, MeasuresTheSameAgain) {
  if (!std::filesystem::exists(kData)) {
    GTEST_SKIP() << kData << " is not here";
  }
  const auto recipe = ReadRecipe(kRecipe);
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  const auto source = ReadDataSource(*recipe, kData);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(source->description, bundle_->manifest().provenance().data());
  const auto table = MeasureBundle(*bundle_, *source, *TensorsOn("cpu"));
  ASSERT_TRUE(table.ok()) << table.status();
  for (const auto& [name, value] : Summarise(*table)) {
    // Other processors round differently. Chaotic rollouts amplify that, most
    // of all the worst of a thousand.
    const double part = absl::EndsWith(name, "_worst") ? 0.1 : 0.01;
    EXPECT_NEAR(Measured(name), value, part * value) << name;
  }
}

}  // namespace
}  // namespace foresight

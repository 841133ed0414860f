// The shipped bundle has the quality that its provenance and RESULTS.md state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "tests/models/pretrained/measured_again.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr char kName[] = "halfcheetah-medium-replay";

class HalfCheetahMediumReplay : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bundle = LoadShipped(kName);
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
  const auto recipe = ReadShippedRecipe(kName);
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
  ExpectMeasuresTheSameAgain(kName);
}

}  // namespace
}  // namespace foresight

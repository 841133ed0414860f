#include "models/training/fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "models/bundle/bundle.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    recipe_ = *ParseRecipe(SmallRecipe(60), "small");
    WriteSmallWorld(folder_.path() / "small.hdf5", 60, 3);
  }
  FitOptions Options(const std::string& work) {
    FitOptions options;
    options.data = folder_.path() / "small.hdf5";
    options.work = folder_.path() / work;
    options.bundle = options.work / "bundle";
    options.stop = &stop_;
    options.out = &out_;
    return options;
  }
  void ExpectMeasuredAlike(const std::string& work);
  static std::string Bytes(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // The last line of <part>.csv, by column.
  static std::map<std::string, double> LastLine(
      const std::filesystem::path& path) {
    const std::vector<std::string> lines =
        absl::StrSplit(Bytes(path), '\n', absl::SkipEmpty());
    const std::vector<std::string> names = absl::StrSplit(lines.front(), ',');
    const std::vector<std::string> values = absl::StrSplit(lines.back(), ',');
    std::map<std::string, double> columns;
    for (size_t i = 0; i < names.size(); ++i) {
      EXPECT_TRUE(absl::SimpleAtod(values.at(i), &columns[names[i]]));
    }
    return columns;
  }
  TemporaryFolder folder_;
  std::atomic<bool> stop_{false};
  std::ostringstream out_;
  Recipe recipe_;
};

// The shipped bundle's sampler and reward have the same errors that the
// trainers measured on their averaged weights.
TEST_F(FitTest, ShippedModelsHaveTheMeasuredErrors) {
  ExpectMeasuredAlike("work");
}

TEST_F(FitTest, ShippedMeanFlowHasTheMeasuredErrors) {
  recipe_ = *ParseRecipe(SmallMeanFlowRecipe(60), "small");
  for (const int steps : {1, 3}) {
    recipe_.dynamics.sampler_steps = recipe_.defaults.sampler_steps = steps;
    ExpectMeasuredAlike("work" + std::to_string(steps));
  }
}

// Each device makes the same draws, and sixty updates hardly amplify the
// roundings.
TEST_F(FitTest, TheGpuTrainsLikeTheCpu) {
  for (const char* recipe : {"diffusion", "mean_flow"}) {
    recipe_ = *ParseRecipe(recipe == std::string("diffusion")
                               ? SmallRecipe(60)
                               : SmallMeanFlowRecipe(60),
                           "small");
    FitOptions options = Options(absl::StrCat(recipe, "-gpu"));
    options.device = "cuda:0";
    const absl::Status fitted = Fit(recipe_, options);
    if (absl::IsUnavailable(fitted)) GTEST_SKIP() << fitted;
    ASSERT_TRUE(fitted.ok()) << fitted;
    ASSERT_TRUE(Fit(recipe_, Options(absl::StrCat(recipe, "-cpu"))).ok());
    for (const char* part : {"policy.csv", "dynamics.csv", "reward.csv"}) {
      const auto cpu =
          LastLine(folder_.path() / absl::StrCat(recipe, "-cpu") / part);
      for (const auto& [name, value] :
           LastLine(folder_.path() / absl::StrCat(recipe, "-gpu") / part)) {
        EXPECT_NEAR(value, cpu.at(name), 1e-3 * std::abs(cpu.at(name)))
            << recipe << " " << part << " " << name;
      }
    }
  }
}

TEST_F(FitTest, ATiltTakesTheTrainedPolicy) {
  ASSERT_TRUE(Fit(recipe_, Options("plain")).ok());
  recipe_.dynamics.tilt = 1;
  FitOptions options = Options("tilted");
  options.parts = {"dynamics"};
  EXPECT_EQ(Fit(recipe_, options).code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(Fit(recipe_, Options("tilted")).ok()) << out_.str();
  const std::string first = "dynamics.0.layers.0.weight";
  const auto plain = Bundle::Load(folder_.path() / "plain" / "bundle");
  const auto tilted = Bundle::Load(folder_.path() / "tilted" / "bundle");
  EXPECT_NE(plain->tensors().at(first).values,
            tilted->tensors().at(first).values);
  // Another policy would give other weights.
  recipe_.policy.beta1 = 0.02;
  EXPECT_EQ(Fit(recipe_, options).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FitTest, OtherPartsComeFromABundle) {
  ASSERT_TRUE(Fit(recipe_, Options("old")).ok());
  const auto old = Bundle::Load(folder_.path() / "old" / "bundle");
  // The recipe's settings for the other parts do not matter.
  recipe_ = *ParseRecipe(SmallMeanFlowRecipe(60), "small");
  recipe_.policy.policy_hidden = {8};
  recipe_.policy.discount = 0.5;
  FitOptions options = Options("new");
  options.from = folder_.path() / "old" / "bundle";
  options.parts = {"dynamics"};
  absl::Status fitted = Fit(recipe_, options);
  ASSERT_TRUE(fitted.ok()) << fitted;
  const auto made = Bundle::Load(options.bundle);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->dynamics_kind(), DynamicsKind::kMeanFlow);
  EXPECT_EQ(made->defaults().discount, 0.9f);
  for (const auto& [name, tensor] : old->tensors()) {
    if (name.rfind("dynamics.", 0) == 0) continue;
    EXPECT_EQ(made->tensors().at(name).values, tensor.values) << name;
  }
  const auto& provenance = made->manifest().provenance();
  EXPECT_THAT(provenance.trainer(),
              HasSubstr(", with policy, reward of small, weights sha256 " +
                        old->manifest().weights_sha256()));
  EXPECT_EQ(provenance.training_steps().at("policy"), 60u);
  // The other way round.
  options = Options("back");
  options.from = folder_.path() / "new" / "bundle";
  options.parts = {"policy", "reward"};
  recipe_ = *ParseRecipe(SmallRecipe(60), "small");
  fitted = Fit(recipe_, options);
  ASSERT_TRUE(fitted.ok()) << fitted;
  const auto back = Bundle::Load(options.bundle);
  EXPECT_EQ(back->dynamics_kind(), DynamicsKind::kMeanFlow);
  EXPECT_EQ(back->defaults().sampler_steps, 1);
  EXPECT_EQ(back->tensors().at("reward.layers.0.weight").values,
            old->tensors().at("reward.layers.0.weight").values);
}

TEST_F(FitTest, ATiltTakesTheBundlesPolicy) {
  ASSERT_TRUE(Fit(recipe_, Options("old")).ok());
  recipe_.dynamics.tilt = 1;
  ASSERT_TRUE(Fit(recipe_, Options("trained")).ok()) << out_.str();
  FitOptions options = Options("taken");
  options.from = folder_.path() / "old" / "bundle";
  options.parts = {"dynamics"};
  ASSERT_TRUE(Fit(recipe_, options).ok()) << out_.str();
  EXPECT_EQ(
      Bytes(options.bundle / "weights.safetensors"),
      Bytes(folder_.path() / "trained" / "bundle" / "weights.safetensors"));
  // The work folder belongs to that bundle's policy.
  recipe_.policy.schedule.seed = 2;
  ASSERT_TRUE(Fit(recipe_, Options("other")).ok());
  options.from = folder_.path() / "other" / "bundle";
  EXPECT_EQ(Fit(recipe_, options).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(FitTest, RefusesABundleThatItCannotTakePartsFrom) {
  ASSERT_TRUE(Fit(recipe_, Options("old")).ok());
  FitOptions options = Options("new");
  options.from = folder_.path() / "old" / "bundle";
  const auto refusal = [&] {
    return std::string(Fit(recipe_, options).message());
  };
  EXPECT_THAT(refusal(), HasSubstr("no part is left to take from this bundle, "
                                   "expected one or two parts to train"));
  options.parts = {"reward"};
  options.from = folder_.path() / "missing";
  EXPECT_EQ(Fit(recipe_, options).code(), absl::StatusCode::kNotFound);
}

void FitTest::ExpectMeasuredAlike(const std::string& work) {
  ASSERT_TRUE(Fit(recipe_, Options(work)).ok()) << out_.str();
  const auto bundle = Bundle::Load(folder_.path() / work / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto& measured = bundle->manifest().provenance().measured();
  auto log = LastLine(folder_.path() / work / "dynamics.csv");
  log.merge(LastLine(folder_.path() / work / "reward.csv"));
  for (const char* name : {"state_rmse_1", "state_rmse_1_error", "state_rmse_5",
                           "state_rmse_10", "reward_rmse"}) {
    // The first layer is summed in two ways, and the log has 6 digits.
    EXPECT_NEAR(measured.at(name), log.at(name), 1e-4 * log.at(name)) << name;
  }
  EXPECT_GT(measured.at("linear_rmse_1"), 0);
  EXPECT_GT(measured.at("stays_rmse_1"), 0);
  EXPECT_THAT(out_.str(), HasSubstr("RMSE on held-out episodes"));
}

TEST_F(FitTest, PartByPartGivesTheSameBundle) {
  ASSERT_TRUE(Fit(recipe_, Options("whole")).ok());
  for (const char* part : {"reward", "policy", "dynamics"}) {
    FitOptions options = Options("parts");
    options.parts = {part};
    ASSERT_TRUE(Fit(recipe_, options).ok());
    const bool last = std::string(part) == "dynamics";
    EXPECT_EQ(std::filesystem::exists(options.bundle), last);
  }
  EXPECT_EQ(Bytes(folder_.path() / "parts" / "bundle" / "weights.safetensors"),
            Bytes(folder_.path() / "whole" / "bundle" / "weights.safetensors"));
}

TEST_F(FitTest, StoppedAndContinuedGivesTheSameBundle) {
  ASSERT_TRUE(Fit(recipe_, Options("whole")).ok());
  FitOptions options = Options("halves");
  stop_ = true;  // Each part notices it after its first updates.
  int stops = 0;
  for (; stops < 20; ++stops) {
    const absl::Status status = Fit(recipe_, options);
    if (status.ok()) break;
    ASSERT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  }
  EXPECT_GT(stops, 3);
  EXPECT_EQ(Bytes(folder_.path() / "halves" / "bundle" / "weights.safetensors"),
            Bytes(folder_.path() / "whole" / "bundle" / "weights.safetensors"));
}

TEST_F(FitTest, SeedsDecideTheWeights) {
  ASSERT_TRUE(Fit(recipe_, Options("one")).ok());
  recipe_.reward.schedule.seed = 2;
  ASSERT_TRUE(Fit(recipe_, Options("two")).ok());
  const auto one = Bundle::Load(folder_.path() / "one" / "bundle");
  const auto two = Bundle::Load(folder_.path() / "two" / "bundle");
  const auto same = [&](const std::string& name) {
    return one->tensors().at(name).values == two->tensors().at(name).values;
  };
  EXPECT_FALSE(same("reward.layers.0.weight"));
  EXPECT_TRUE(same("policy.layers.0.weight"));
}

TEST_F(FitTest, RefusesDataOfAnotherEnvironment) {
  recipe_.observation_size = 17;
  const absl::Status status = Fit(recipe_, Options("work"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("small.hdf5: observations have 2 values, expected 17 "
                        "for the recipe's Small-v0"));
}

TEST_F(FitTest, RefusesAFolderThatCannotBeMade) {
  std::ofstream(folder_.path() / "file") << "in the way";
  const absl::Status status = Fit(recipe_, Options("file/work"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("file/work"));
}

TEST_F(FitTest, RefusesAnUnknownPart) {
  FitOptions options = Options("work");
  options.parts = {"polcy"};
  EXPECT_EQ(Fit(recipe_, options).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace foresight

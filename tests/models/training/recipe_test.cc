#include "models/training/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include "absl/strings/str_replace.h"
#include "tests/support/small_world.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Changed(const std::string& from, const std::string& to) {
  const std::string text = SmallRecipe(10);
  EXPECT_THAT(text, HasSubstr(from));
  return absl::StrReplaceAll(text, {{from, to}});
}

TEST(Recipe, ReadsEveryField) {
  const auto recipe = ParseRecipe(SmallRecipe(10), "small");
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->name, "small");
  EXPECT_EQ(recipe->step_limit, 20);
  EXPECT_EQ(recipe->hold_out.minimum, 2);
  EXPECT_EQ(recipe->policy.schedule.steps, 10);
  EXPECT_EQ(recipe->policy.schedule.learning_rate, 3e-3);
  EXPECT_THAT(recipe->policy.critic_hidden, ElementsAre(16, 16));
  EXPECT_EQ(recipe->policy.noise_limit, 0.5);
  EXPECT_EQ(recipe->dynamics.sampler_steps, 3);
  EXPECT_EQ(recipe->defaults.discount, 0.9f);
  EXPECT_EQ(recipe->defaults.sampler_steps, 3);
  EXPECT_EQ(recipe->defaults.mode, Mode::kPersist);
}

TEST(Recipe, ReadsHowManyRowsToUse) {
  EXPECT_EQ(ParseRecipe(SmallRecipe(10), "")->rows, 0);
  const std::string size = "\"step_limit\": 20";
  EXPECT_EQ(ParseRecipe(Changed(size, size + ", \"rows\": 150"), "")->rows,
            150);
  const auto none = ParseRecipe(Changed(size, size + ", \"rows\": 0"), "");
  EXPECT_THAT(std::string(none.status().message()),
              HasSubstr("rows is 0, expected a whole number from 1"));
}

TEST(Recipe, ReadsMeanFlow) {
  const std::string text = SmallMeanFlowRecipe(10);
  const auto recipe = ParseRecipe(text, "small");
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->dynamics.kind, DynamicsKind::kMeanFlow);
  EXPECT_EQ(recipe->dynamics.equal_fraction, 0.5);
  EXPECT_EQ(recipe->dynamics.grid_fraction, 0.25);
  EXPECT_EQ(recipe->defaults.sampler_steps, 1);
  const auto refusal = [&](const char* from, const char* to) {
    const auto wrong = ParseRecipe(absl::StrReplaceAll(text, {{from, to}}), "");
    return std::string(wrong.status().message());
  };
  EXPECT_THAT(refusal("\"time_embedding\": 16", "\"time_embedding\": 18"),
              HasSubstr("time_embedding is 18, expected a multiple of 4"));
  EXPECT_THAT(refusal("\"grid_fraction\": 0.25", "\"grid_fraction\": 0.6"),
              HasSubstr("dynamics.grid_fraction is 0.6, expected"));
  EXPECT_THAT(refusal("\"kind\": \"mean_flow\",", ""),
              HasSubstr("dynamics.beta_min is missing"));
}

TEST(Recipe, TheActionStepMayBeLeftOut) {
  EXPECT_EQ(ParseRecipe(SmallRecipe(10), "")->defaults.action_step, 0);
  const auto recipe = ParseRecipe(
      Changed("\"step_size\"", "\"action_step\": 0.1, \"step_size\""), "");
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->defaults.action_step, 0.1f);
}

TEST(Recipe, TheWeightsThatShipMayBeLeftOut) {
  EXPECT_EQ(ParseRecipe(SmallRecipe(10), "")->policy.ship,
            ShippedWeights::kAverage);
  const auto recipe =
      ParseRecipe(Changed("\"beta1\"", "\"ship\": \"last\", \"beta1\""), "");
  ASSERT_TRUE(recipe.ok()) << recipe.status();
  EXPECT_EQ(recipe->policy.ship, ShippedWeights::kLast);
}

TEST(Recipe, TheShippedOnesAreValid) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(
           FORESIGHT_SOURCE_DIR "/models/training/recipes")) {
    const auto recipe = ReadRecipe(entry.path());
    EXPECT_TRUE(recipe.ok()) << recipe.status();
    EXPECT_EQ(recipe->name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 1);
}

TEST(Recipe, RefusalsNameTheField) {
  struct Case {
    const char* from;
    const char* to;
    const char* message;
  };
  for (const Case& one : std::vector<Case>{
           {"\"beta1\": 0.01,", "", "r.json: policy.beta1 is missing"},
           {"\"beta1\"", "\"ship\": \"best\", \"beta1\"",
            "policy.ship is \"best\", expected \"average\" or \"last\""},
           {"\"beta1\"", "\"beta3\": 1, \"beta1\"",
            "r.json: policy.beta3 is not a field"},
           {"\"minimum\": 2", "\"minimum\": 0",
            "hold_out.minimum is 0, expected a whole number from 1"},
           {"\"minimum\": 2", "\"minimum\": 2.5", "hold_out.minimum is 2.5"},
           {"\"sampler_steps\": 3", "\"sampler_steps\": \"3\"",
            "dynamics.sampler_steps is \"3\", expected a whole number"},
           {"\"time_embedding\": 4", "\"time_embedding\": 5",
            "dynamics.time_embedding is 5, expected an even number"},
           {"\"beta_max\": 10", "\"beta_max\": 0.01",
            "dynamics.beta_max is 0.01, expected a number of at least 0.1"},
           {"\"sampler_steps\"", "\"kind\": \"flow\", \"sampler_steps\"",
            "dynamics.kind is \"flow\", expected \"diffusion\" or"},
           {"\"sampler_steps\"", "\"tilt\": -1, \"sampler_steps\"",
            "dynamics.tilt is -1, expected a number of at least 0"},
           {"\"discount\": 0.9", "\"discount\": 1.5",
            "policy.discount is 1.5, expected a number above 0, at most 1"},
           {"[16, 16], \"time", "[], \"time",
            "dynamics.hidden is [], expected 1 to 16"},
           {"\"persist\"", "\"keep\"",
            "defaults.mode is \"keep\", expected \"persist\" or \"reset\""},
           {"\"accept_only_improvement\": false",
            "\"accept_only_improvement\": 0",
            "defaults.accept_only_improvement is 0, expected true or false"},
           {"\"small\"", "\"\"", "name is \"\", expected a text"},
           {"\"hold_out\": {\"fraction\": 0.1, \"minimum\": 2, \"seed\": 1}",
            "\"hold_out\": 3", "r.json: hold_out is 3, expected an object"},
           {"\"small\"", "\"My boat\"",
            "r.json: name is \"My boat\", expected lower case letters"},
           {"\"version\": \"1\",", "\"version\": \"1\"",
            "r.json: expected JSON: parse error at line"},
           {"\"version\"", "\"name\": \"twin\", \"version\"",
            "r.json: name occurs twice"}}) {
    const auto recipe = ParseRecipe(Changed(one.from, one.to), "r.json");
    EXPECT_EQ(recipe.status().code(), absl::StatusCode::kInvalidArgument)
        << one.message;
    EXPECT_THAT(std::string(recipe.status().message()), HasSubstr(one.message));
  }
}

TEST(Recipe, TellsAMissingFile) {
  const auto recipe = ReadRecipe("no/such/recipe.json");
  EXPECT_EQ(recipe.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(recipe.status().message()),
              HasSubstr("no/such/recipe.json"));
}

TEST(Fingerprint, ChangesOnlyWithThePartsOwnInputs) {
  const auto fingerprints = [](const std::string& text) {
    const auto recipe = ParseRecipe(text, "small");
    EXPECT_TRUE(recipe.ok()) << recipe.status();
    return std::vector<std::string>{Fingerprint(*recipe, "policy", "d"),
                                    Fingerprint(*recipe, "dynamics", "d"),
                                    Fingerprint(*recipe, "reward", "d")};
  };
  const auto base = fingerprints(SmallRecipe(10));
  EXPECT_EQ(std::set<std::string>(base.begin(), base.end()).size(), 3u);
  EXPECT_EQ(fingerprints(Changed("\"version\": \"1\"", "\"version\": \"2\"")),
            base);
  const auto policy = fingerprints(Changed("\"beta2\": 0.001", "\"beta2\": 0"));
  EXPECT_NE(policy[0], base[0]);
  EXPECT_EQ(policy[1], base[1]);
  EXPECT_EQ(policy[2], base[2]);
  const auto dynamics =
      fingerprints(Changed("\"beta_max\": 10", "\"beta_max\": 11"));
  EXPECT_EQ(dynamics[0], base[0]);
  EXPECT_NE(dynamics[1], base[1]);
  // A checkpoint holds all weights that may ship; a tilt uses the shipped ones.
  EXPECT_EQ(fingerprints(Changed("\"beta1\"", "\"ship\": \"last\", \"beta1\"")),
            base);
  Recipe tilted = *ParseRecipe(SmallRecipe(10), "small");
  tilted.dynamics.tilt = 1;
  const std::string average = Fingerprint(tilted, "dynamics", "d");
  tilted.policy.ship = ShippedWeights::kLast;
  EXPECT_NE(Fingerprint(tilted, "dynamics", "d"), average);
  const auto all = fingerprints(
      Changed("\"minimum\": 2, \"seed\": 1", "\"minimum\": 2, \"seed\": 2"));
  const auto first = fingerprints(Changed("\"step_limit\": 20",
                                          "\"step_limit\": 20, "
                                          "\"rows\": 150"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(all[i], base[i]);
    EXPECT_NE(first[i], base[i]);
  }
  EXPECT_NE(Fingerprint(*ParseRecipe(SmallRecipe(10), "small"), "policy", "e"),
            base[0]);
}

// Compares with the reference bundle's values (K = 10, 0.1 and 10).
TEST(MakeBetas, AreTheVariancePreservingSchedules) {
  const std::vector<float> betas = MakeBetas(DynamicsRecipe());
  ASSERT_EQ(betas.size(), 10u);
  EXPECT_FLOAT_EQ(betas[0], 0.05776446685194969f);
  EXPECT_FLOAT_EQ(betas[4], 0.3658691644668579f);
  EXPECT_FLOAT_EQ(betas[9], 0.6134523153305054f);
}

}  // namespace
}  // namespace foresight

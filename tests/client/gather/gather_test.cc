#include "client/gather/gather.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "client/run/report.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A report of foresight-run for `count` seeds from `first` on. An episode's
// returns depend only on its seed.
std::string Report(uint64_t first, int count, bool frozen = true,
                   const std::string& model_name = "cheetah") {
  EnvironmentSpec spec;
  spec.name = "HalfCheetah-v4";
  spec.expert_return = 1;
  v1::Model model;
  model.set_name(model_name);
  std::vector<EpisodePair> episodes(count);
  for (int i = 0; i < count; ++i) {
    EpisodePair& pair = episodes[i];
    pair.seed = first + i;
    EpisodeResult result;
    result.steps = 1;
    result.latencies_ms = {1};
    result.steps_done_mean = 1;
    result.settings.set_horizon(5);
    result.episode_return = 100 + static_cast<double>(pair.seed % 7);
    if (frozen) pair.frozen = result;
    result.episode_return += 10 + static_cast<double>(pair.seed % 3);
    pair.adapted = result;
  }
  return ToJson(Compare(spec, model, episodes));
}

TEST(GatherTest, PartsGiveTheSameResultAsOneRun) {
  GatheredReport gathered;
  ASSERT_TRUE(gathered.Add("b", Report(1004, 3)).ok());
  ASSERT_TRUE(gathered.Add("a", Report(1000, 4)).ok());
  EXPECT_EQ(gathered.episodes(), 7u);
  auto whole = nlohmann::ordered_json::parse(Report(1000, 7));
  whole.erase("latency_ms");
  EXPECT_EQ(gathered.ToJson(), whole.dump(2) + "\n");
  EXPECT_THAT(gathered.ToTable(), HasSubstr("7 episodes, seeds 1000 to 1006"));
  EXPECT_THAT(gathered.ToTable(), HasSubstr("difference"));
}

TEST(GatherTest, OneVariantHasNoDifference) {
  GatheredReport gathered;
  ASSERT_TRUE(gathered.Add("a", Report(1000, 2, /*frozen=*/false)).ok());
  const auto json = nlohmann::json::parse(gathered.ToJson());
  EXPECT_TRUE(json["difference"].is_null());
  EXPECT_TRUE(json["frozen_mean"].is_null());
  EXPECT_TRUE(json["adapted_mean"].is_number());
}

TEST(GatherTest, RefusesReportsOfDifferentRuns) {
  GatheredReport gathered;
  ASSERT_TRUE(gathered.Add("a", Report(1000, 2)).ok());
  const absl::Status model = gathered.Add("b", Report(1002, 2, true, "other"));
  EXPECT_EQ(model.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(model.message()),
              StartsWith("b belongs to another run: it has "));
  EXPECT_FALSE(gathered.Add("b", Report(1002, 2, /*frozen=*/false)).ok());
  EXPECT_EQ(gathered.episodes(), 2u);
}

TEST(GatherTest, RefusesARepeatedSeedAndItsWholeReport) {
  GatheredReport gathered;
  ASSERT_TRUE(gathered.Add("a", Report(1000, 2)).ok());
  const absl::Status status = gathered.Add("b", Report(998, 3));
  EXPECT_EQ(status.message(),
            "b has an episode with seed 1000, which an earlier one has too");
  EXPECT_EQ(gathered.episodes(), 2u);
}

TEST(GatherTest, SaysThatAnEmptyReportIsNotWrittenYet) {
  GatheredReport gathered;
  const absl::Status status = gathered.Add("0.json", "");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "0.json is empty: its foresight-run has not ended, or has failed");
}

TEST(GatherTest, RefusesOtherFiles) {
  for (const char* text :
       {"{", "[]", "{\"episodes\": []}",
        "{\"environment\": \"e\", \"model\": \"m\", \"settings\": {},"
        " \"episodes\": [{\"seed\": -1, \"frozen_return\": 1,"
        " \"adapted_return\": 1, \"steps_done_mean\": 1}]}"}) {
    GatheredReport gathered;
    const absl::Status status = gathered.Add("file", text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()),
                StartsWith("file is not a report"));
  }
}

}  // namespace
}  // namespace foresight

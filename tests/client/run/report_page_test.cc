#include "client/run/report_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

EpisodeResult Episode(v1::Outcome outcome) {
  EpisodeResult result;
  result.settings.set_horizon(5);
  result.steps = 2;
  result.terminated = true;
  result.latencies_ms = {1.5, 2.5};
  result.trace.resize(2);
  result.trace[0].outcome = outcome;
  result.trace[0].reward = 0.5;
  result.trace[0].objective_before = 10;
  result.trace[0].objective_after = 11;
  result.trace[1].outcome = outcome;
  result.trace[1].action_change = 0.25;
  result.trace[1].drift = 0.125;
  result.trace[0].observation = {1, 2};
  result.trace[1].observation = {3, 4};
  result.trace[0].action = {0.5f};
  result.trace[1].action = {-0.5f};
  return result;
}

Comparison Sample(bool frozen) {
  EnvironmentSpec spec;
  spec.name = "Hopper-v4";
  spec.step_limit = 1000;
  spec.random_return = -20;
  spec.expert_return = 3234;
  std::vector<EpisodePair> episodes(1);
  episodes[0].seed = 7;
  if (frozen) episodes[0].frozen = Episode(v1::FROZEN);
  episodes[0].adapted = Episode(v1::ADAPTED);
  v1::Model model;
  model.set_weights_sha256("abc");
  return Compare(spec, model, episodes);
}

TEST(ReportPageTest, JsonHasTheTraceOfEachEpisode) {
  const Json json = Json::parse(PageJson(Sample(true), "my-bundle"));
  EXPECT_EQ(json["environment"], "Hopper-v4");  // As ToJson.
  EXPECT_EQ(json["step_limit"], 1000);
  EXPECT_EQ(json["random_return"], -20);
  EXPECT_EQ(json["expert_return"], 3234);
  ASSERT_EQ(json["traces"].size(), 2u);
  EXPECT_EQ(json["traces"][0]["variant"], "frozen");
  EXPECT_EQ(json["traces"][0]["outcome"], Json({"FROZEN", "FROZEN"}));
  const Json adapted = json["traces"][1];
  EXPECT_EQ(adapted["seed"], 7);
  EXPECT_EQ(adapted["variant"], "adapted");
  EXPECT_EQ(adapted["terminated"], true);
  EXPECT_EQ(adapted["latencies_ms"], Json({1.5, 2.5}));
  EXPECT_EQ(adapted["outcome"], Json({"ADAPTED", "ADAPTED"}));
  EXPECT_EQ(adapted["reward"], Json({0.5, 0}));
  EXPECT_EQ(adapted["objective_before"], Json({10, 0}));
  EXPECT_EQ(adapted["objective_after"], Json({11, nullptr}));
  EXPECT_EQ(adapted["action_change"], Json({0, 0.25}));
  EXPECT_EQ(adapted["drift"], Json({0, 0.125}));
  EXPECT_EQ(adapted["observation"], Json({{1, 2}, {3, 4}}));
  EXPECT_EQ(adapted["action"], Json({{0.5}, {-0.5}}));
  EXPECT_EQ(json["bundle"], "my-bundle");
  EXPECT_EQ(json["weights_sha256"], "abc");
}

TEST(ReportPageTest, AVariantThatWasNotPlayedHasNoTrace) {
  const Json json = Json::parse(PageJson(Sample(false), ""));
  ASSERT_EQ(json["traces"].size(), 1u);
  EXPECT_EQ(json["traces"][0]["variant"], "adapted");
}

TEST(ReportPageTest, AFileThatCannotBeWrittenIsNamed) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "missing" / "page.html";
  const absl::Status status = CheckReportPage(file);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(file));
}

// Whether matplotlib is here is up to the machine.
TEST(ReportPageTest, TheCheckPromisesThatThePageIsWritten) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "page.html";
  const absl::Status status = CheckReportPage(file);
  EXPECT_EQ(WriteReportPage(Sample(true), "", file), status);
  EXPECT_EQ(std::filesystem::file_size(file) > 0, status.ok());
  if (!status.ok()) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("deploy/install_dependencies.sh --plots"));
  }
}

}  // namespace
}  // namespace foresight

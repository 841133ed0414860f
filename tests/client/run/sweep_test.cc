#include "client/run/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/fake_adaptation_server.h"
#include "client/run/tournament.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Texts(const std::string& sweep) {
  const auto settings = ParseSweep(sweep);
  EXPECT_TRUE(settings.ok()) << settings.status();
  std::vector<std::string> texts;
  for (const v1::AdaptationSettings& one : *settings) {
    texts.push_back(one.ShortDebugString());
  }
  return texts;
}

TEST(ParseSweepTest, AGridIsEveryCombination) {
  EXPECT_THAT(
      Texts(R"({"grid": {"horizon": [3, 5], "mode": ["PERSIST", "RESET"]}})"),
      ElementsAre("horizon: 3 mode: PERSIST", "horizon: 3 mode: RESET",
                  "horizon: 5 mode: PERSIST", "horizon: 5 mode: RESET"));
}

TEST(ParseSweepTest, SettingsCanBeListed) {
  EXPECT_THAT(Texts(R"({"try": [{"steps": 5, "step_size": 0.5}, {}],
                        "grid": {"particles": [2]}})"),
              ElementsAre("steps: 5 step_size: 0.5", "", "particles: 2"));
}

TEST(ParseSweepTest, MistakesAreNamed) {
  const auto mistake = [](const std::string& sweep) {
    const auto settings = ParseSweep(sweep);
    EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(settings.status().message());
  };
  EXPECT_THAT(mistake("{"), HasSubstr("not JSON"));
  EXPECT_THAT(mistake("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(mistake("{}"), HasSubstr("there are 0 settings"));
  EXPECT_THAT(mistake(R"({"gird": {}})"), HasSubstr("\"gird\" is not a field"));
  EXPECT_THAT(mistake(R"({"try": [{"horizn": 3}]})"), HasSubstr("horizn"));
  EXPECT_THAT(mistake(R"({"try": [{"horizon": -3}]})"), HasSubstr("-3"));
  EXPECT_THAT(mistake(R"({"try": {"horizon": 3}})"), HasSubstr("not a list"));
  EXPECT_THAT(mistake(R"({"grid": {"horizon": 3}})"),
              HasSubstr("grid.horizon is 3, expected a list"));
  std::string values = "[1";
  for (int i = 0; i < 40; ++i) values += ", 1";
  values += "]";
  EXPECT_THAT(mistake(R"({"grid": {"horizon": )" + values + R"(, "steps": )" +
                      values + "}}"),
              HasSubstr("more than 1000 combinations"));
}

TEST(PlaySweepTest, EachTrialIsPairedWithTheSameFrozenEpisodes) {
  FakeAdaptationServer server(
      {FakeAdaptationServer::HalfCheetahModel("cheetah")});
  const auto client = AdaptationClient::Connect(server.address());
  ASSERT_TRUE(client.ok()) << client.status();
  RunOptions options;
  options.episodes = 2;
  options.max_steps = 15;
  options.quiet = true;
  options.settings.set_horizon(7);
  const auto settings = ParseSweep(R"({"grid": {"steps": [0, 1, 3]}})");
  Cancellation cancellation;
  const auto trials = PlaySweep(*client, options, *settings, cancellation);
  ASSERT_TRUE(trials.ok()) << trials.status();
  ASSERT_EQ(trials->size(), 3u);
  EXPECT_EQ(server.opened_sessions(), 2 + 3 * 2);
  for (int i = 0; i < 3; ++i) {
    const Comparison& comparison = (*trials)[i].comparison;
    EXPECT_EQ((*trials)[i].asked.ShortDebugString(),
              (*settings)[i].ShortDebugString());
    EXPECT_EQ(comparison.frozen->mean, (*trials)[0].comparison.frozen->mean);
    EXPECT_EQ(comparison.settings.horizon(), 7u);
  }
  EXPECT_EQ(*(*trials)[0].comparison.difference, 0);
  // The last setting gives the same result as if it were played alone.
  options.settings.set_steps(3);
  const auto alone = Play(*client, options, cancellation);
  ASSERT_TRUE(alone.ok()) << alone.status();
  EXPECT_EQ(*(*trials)[2].comparison.difference, *alone->difference);
  EXPECT_EQ((*trials)[2].comparison.interval->low, alone->interval->low);
}

TEST(BestTrialTest, HasTheLargestDifference) {
  std::vector<SweepTrial> trials(4);
  trials[0].comparison.difference = -1;
  trials[1].comparison.difference = 2;
  trials[2].comparison.difference = 2;
  trials[3].comparison.difference = 1;
  EXPECT_EQ(BestTrial(trials), 1u);
}

}  // namespace
}  // namespace foresight

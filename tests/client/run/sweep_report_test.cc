#include "client/run/sweep_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EpisodeResult Episode(double episode_return) {
  EpisodeResult result;
  result.episode_return = episode_return;
  result.steps = 1;
  result.latencies_ms = {2.5};
  result.settings.set_horizon(5);
  result.settings.set_sampler_steps(10);
  result.settings.set_mode(v1::PERSIST);
  return result;
}

SweepTrial Trial(float step_size, double gain) {
  SweepTrial trial;
  trial.asked.set_step_size(step_size);
  EnvironmentSpec spec;
  spec.name = "Hopper-v4";
  spec.expert_return = 1000;
  v1::Model model;
  model.set_name("hopper");
  model.set_dynamics("diffusion");
  trial.comparison = Compare(spec, model,
                             {{2000, Episode(100), Episode(100 + gain)},
                              {2001, Episode(200), Episode(200 + gain)}});
  trial.comparison.settings.set_step_size(step_size);
  return trial;
}

TEST(SweepReportTest, TheTableHasEachTrialAndTheBest) {
  const std::string table = SweepTable({Trial(0.25f, 5), Trial(0.5f, 50)});
  EXPECT_THAT(table, HasSubstr("Hopper-v4, model hopper"));
  EXPECT_THAT(table, HasSubstr("2 episodes, seeds 2000 to 2001\nfrozen 150.0"));
  EXPECT_THAT(table, HasSubstr("\n--step-size 0.25      155.0    15.5       "
                               "+5.0  [+5.0, +5.0]  2.50 ms\n"));
  EXPECT_THAT(table, HasSubstr("\n--step-size 0.5       200.0    20.0"));
  EXPECT_THAT(table, HasSubstr("\nbest      --step-size 0.5\n"));
  EXPECT_THAT(table, HasSubstr("\ndefaults  {\"horizon\":5,\"step_size\":0.5,"
                               "\"mode\":\"PERSIST\"}\n"));
}

TEST(SweepReportTest, AnUnsureWinnerIsMarkedAsSuch) {
  EXPECT_THAT(SweepTable({Trial(0.25f, 5)}), Not(HasSubstr("not shown")));
  EXPECT_THAT(SweepTable({Trial(0.25f, -5)}),
              HasSubstr("best      --step-size 0.25  (not shown to be better "
                        "than frozen)\n"));
}

TEST(SweepReportTest, JsonHasEachComparison) {
  const auto json =
      nlohmann::json::parse(SweepJson({Trial(0.25f, 5), Trial(0.5f, 50)}));
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[1]["asked"]["step_size"], 0.5);
  EXPECT_EQ(json[1]["comparison"]["difference"], 50);
}

}  // namespace
}  // namespace foresight

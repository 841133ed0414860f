#include "client/run/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

EpisodeResult Episode(double episode_return, double steps_done) {
  EpisodeResult result;
  result.episode_return = episode_return;
  result.steps = 2;
  result.steps_done_mean = steps_done;
  result.latencies_ms = {1 + steps_done, 2 + steps_done};
  result.outcomes[steps_done > 0 ? v1::ADAPTED : v1::FROZEN] = 2;
  result.settings.set_horizon(5);
  result.settings.set_steps(steps_done > 0 ? 1 : 0);
  result.settings.set_step_size(3e-5f);
  result.settings.set_mode(v1::PERSIST);
  return result;
}

Comparison Sample(bool frozen, bool adapted) {
  EnvironmentSpec spec;
  spec.name = "HalfCheetah-v4";
  spec.random_return = -280.178953;
  spec.expert_return = 12135;
  v1::Model model;
  model.set_name("cheetah");
  model.set_engine("fused");
  model.set_device("cpu");
  std::vector<EpisodePair> episodes(2);
  for (int i = 0; i < 2; ++i) {
    episodes[i].seed = 1000 + i;
    if (frozen) episodes[i].frozen = Episode(5697, 0);
    if (adapted) episodes[i].adapted = Episode(6005, 1);
  }
  return Compare(spec, model, episodes);
}

TEST(ReportTest, JsonHasExactlyTheFieldsThatWerePromised) {
  EXPECT_EQ(ToJson(Sample(true, true)), R"({
  "environment": "HalfCheetah-v4",
  "model": "cheetah",
  "settings": {
    "horizon": 5,
    "steps": 1,
    "step_size": 3e-05,
    "mode": "PERSIST"
  },
  "episodes": [
    {
      "seed": 1000,
      "frozen_return": 5697.0,
      "adapted_return": 6005.0,
      "frozen_steps": 2,
      "adapted_steps": 2,
      "steps_done_mean": 1.0
    },
    {
      "seed": 1001,
      "frozen_return": 5697.0,
      "adapted_return": 6005.0,
      "frozen_steps": 2,
      "adapted_steps": 2,
      "steps_done_mean": 1.0
    }
  ],
  "frozen_mean": 5697.0,
  "adapted_mean": 6005.0,
  "difference": 308.0,
  "interval": [
    308.0,
    308.0
  ],
  "latency_ms": {
    "p50": 2.5,
    "p99": 3.0
  }
}
)");
}

TEST(ReportTest, JsonHasNullForVariantsNotPlayed) {
  const std::string json = ToJson(Sample(true, false));
  EXPECT_THAT(json, HasSubstr("\"adapted_return\": null"));
  EXPECT_THAT(json, HasSubstr("\"adapted_steps\": null"));
  EXPECT_THAT(json, HasSubstr("\"adapted_mean\": null"));
  EXPECT_THAT(json, HasSubstr("\"difference\": null"));
  EXPECT_THAT(json, HasSubstr("\"interval\": null"));
  EXPECT_THAT(json, HasSubstr("\"p50\": 1.5"));
  EXPECT_THAT(json, HasSubstr("\"frozen_mean\": 5697.0"));
}

TEST(ReportTest, CsvHasALinePerSeed) {
  EXPECT_EQ(ToCsv(Sample(true, true)),
            "seed,frozen_return,frozen_steps,frozen_steps_done_mean,"
            "frozen_latency_p50_ms,frozen_latency_p99_ms,adapted_return,"
            "adapted_steps,adapted_steps_done_mean,adapted_latency_p50_ms,"
            "adapted_latency_p99_ms\n"
            "1000,5697.000000,2,0.000000,1.5000,1.9900,"
            "6005.000000,2,1.000000,2.5000,2.9900\n"
            "1001,5697.000000,2,0.000000,1.5000,1.9900,"
            "6005.000000,2,1.000000,2.5000,2.9900\n");
  EXPECT_THAT(ToCsv(Sample(false, true)),
              HasSubstr("\n1000,,,,,,6005.000000,2,"));
}

TEST(ReportTest, TableShowsBothVariantsAndTheirDifference) {
  const std::string table = ToTable(Sample(true, true));
  EXPECT_THAT(table, HasSubstr("HalfCheetah-v4, model cheetah (fused on cpu), "
                               "2 episodes, seeds 1000 to 1001"));
  EXPECT_THAT(table, HasSubstr("frozen          5697.0"));
  EXPECT_THAT(table, HasSubstr("   48.1"));
  EXPECT_THAT(table, HasSubstr("adapted         6005.0"));
  EXPECT_THAT(table, HasSubstr("difference      +308.0  [+308.0, +308.0]"));
  EXPECT_THAT(table, HasSubstr("ADAPTED 4"));
  Comparison late = Sample(true, true);
  late.adapted->late = 3;
  EXPECT_THAT(ToTable(late), HasSubstr("ADAPTED 4; 3 times the budget"));
  EXPECT_THAT(ToTable(Sample(true, false)), Not(HasSubstr("adapted")));
}

TEST(ReportTest, TableSaysHowManyEpisodesEndedEarly) {
  Comparison comparison = Sample(true, true);
  EXPECT_THAT(ToTable(comparison), Not(HasSubstr("ended early")));
  comparison.frozen->terminated = 1;
  comparison.frozen->steps_mean = 1.5;
  EXPECT_THAT(ToTable(comparison),
              HasSubstr("ended early frozen 1 of 2 (1.5 steps on average), "
                        "adapted 0 of 2 (2.0 steps on average)\n"));
}

}  // namespace
}  // namespace foresight

#include "client/load/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

LoadContext Context() {
  LoadContext context;
  context.model.set_name("cheetah");
  context.model.set_engine("fused");
  context.model.set_device("cpu");
  context.observations = "1000 observations of HalfCheetah-v4";
  context.host = {"AMD EPYC", 2};
  return context;
}

// Two sessions: 3 answers in time, 1 late, 2 errors, 4 ticks skipped.
LoadResult Result() {
  LoadResult result;
  result.sessions = 2;
  result.settings.set_steps(2);
  LoadCounts& counts = result.counts;
  counts.sent = 6;
  counts.skipped = 4;
  counts.answered = 4;
  counts.late = 1;
  counts.outcomes = {{v1::ADAPTED, 3}, {v1::FROZEN, 1}};
  counts.errors = {{"OVERLOADED", 2}};
  counts.loops = {{5, 2, 4}, {5, 2, 2}};
  for (const double ms : {0.1, 0.1, 0.2, 60.0}) {
    counts.latencies.Add(absl::Milliseconds(ms));
  }
  result.generator_cores = 0.25;
  result.steal_fraction = 0.5;
  return result;
}

TEST(LoadReportTest, JsonHasTheFieldsThatWerePromised) {
  EXPECT_EQ(LoadJson(Context(), Result()), R"({
  "sessions": 2,
  "rate_hz": 20.0,
  "deadline_ms": 50.0,
  "duration_s": 10.0,
  "transport": "unary",
  "connections": 1,
  "model": "cheetah",
  "observations": "1000 observations of HalfCheetah-v4",
  "settings": {
    "steps": 2
  },
  "sent": 6,
  "answered": 4,
  "missed_fraction": 0.7,
  "latency_ms": {
    "p50": 0.101,
    "p90": 60.0,
    "p99": 60.0,
    "p999": 60.0,
    "max": 60.0
  },
  "steps_done_mean": 1.5,
  "steps_done_lowest": 1.0,
  "steps_done_highest": 2.0,
  "adapted_shares": {
    "lowest_over_mean": 0.6666666666666666,
    "highest_over_mean": 1.3333333333333333
  },
  "outcomes": {
    "ADAPTED": 3,
    "FROZEN": 1
  },
  "errors": {
    "OVERLOADED": 2
  },
  "late_by_cause": {
    "skipped_tick": 4,
    "late_answer": 1,
    "error": 2
  },
  "generator_cpu": 0.25,
  "send_lag_ms": {
    "p50": 0.0,
    "p90": 0.0,
    "p99": 0.0,
    "p999": 0.0,
    "max": 0.0
  },
  "host": {
    "cpu_model": "AMD EPYC",
    "cores": 2,
    "steal_fraction": 0.5
  }
}
)");
}

TEST(LoadReportTest, TheTableShowsCountsLatenciesAndCauses) {
  const std::string table = LoadTable(Context(), Result());
  for (const char* text :
       {"2 sessions at 20 Hz for 10s, deadline 50ms, model cheetah (fused on "
        "cpu), unary, 1 connection\n",
        "       10        6          4         4        1        2  70.000 %",
        "p50 0.10", "max 60.00 ms", "steps      1.500 per decision",
        "0.67 to 1.33 of the mean", "outcomes   ADAPTED 3, FROZEN 1\n",
        "errors     OVERLOADED 2\n", "0.250 cores", "50.0 %"}) {
    EXPECT_THAT(table, HasSubstr(text));
  }
}

TEST(LoadReportTest, WithoutAnswersThereIsNoHistogram) {
  LoadResult result;
  result.sessions = 1;
  const std::string table = LoadTable(Context(), result);
  EXPECT_THAT(table, Not(HasSubstr("logarithmic")));
  EXPECT_THAT(table, Not(HasSubstr("outcomes")));
}

TEST(LoadReportTest, TheHistogramShowsASingleLateAnswer) {
  LatencyHistogram latencies;
  for (int i = 0; i < 1000; ++i) latencies.Add(absl::Milliseconds(0.9));
  latencies.Add(absl::Milliseconds(3));
  EXPECT_EQ(HistogramText(latencies),
            "     latency   answers  (logarithmic bars)\n"
            "<      1 ms      1000  ########################################\n"
            "<      2 ms         0  \n"
            "<      4 ms         1  ####\n");
}

TEST(LoadReportTest, ARampListsItsProbes) {
  RampResult ramp;
  ramp.probes = {{8, 0.0, false, true}, {16, 0.5, false, false}};
  ramp.probes.push_back({2000, 0, true, false});
  ramp.largest = Result();
  ramp.largest.sessions = 8;
  const auto json = nlohmann::json::parse(RampJson(Context(), ramp));
  EXPECT_EQ(json["largest_sessions"], 8);
  EXPECT_EQ(json["sessions"], 8);
  EXPECT_EQ(json["probes"].size(), 3u);
  EXPECT_EQ(json["probes"][1]["missed_fraction"], 0.5);
  EXPECT_EQ(json["probes"][1]["passed"], false);
  EXPECT_EQ(json["probes"][2]["refused"], true);
  EXPECT_THAT(RampTable(Context(), ramp),
              HasSubstr("largest number under 0.1 % misses: 8 sessions\n"));
  EXPECT_THAT(ProbeLine(ramp.probes[1]), HasSubstr("50.000 % missed   failed"));
  EXPECT_THAT(ProbeLine(ramp.probes[2]), HasSubstr("refused by the server"));
}

TEST(LoadReportTest, ARampReportsThatNoNumberPassed) {
  RampResult ramp;
  ramp.probes = {{1, 1.0, false, false}};
  EXPECT_THAT(RampTable(Context(), ramp), HasSubstr("not even 1 session"));
  const auto json = nlohmann::json::parse(RampJson(Context(), ramp));
  EXPECT_EQ(json["largest_sessions"], 0);
  EXPECT_FALSE(json.contains("sessions"));
}

}  // namespace
}  // namespace foresight

#include "client/load/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

v1::AdaptationReport Report(v1::Outcome outcome, uint32_t steps_done) {
  v1::AdaptationReport report;
  report.set_outcome(outcome);
  report.set_steps_done(steps_done);
  return report;
}

TEST(RecorderTest, LatencyRunsFromTheScheduledTime) {
  Recorder recorder(1, absl::Milliseconds(50));
  EXPECT_TRUE(recorder.Begin(0, absl::Seconds(1), true));
  recorder.Answer(0, absl::Seconds(1.03), Report(v1::ADAPTED, 2));
  const LoadCounts counts = recorder.counts();
  EXPECT_EQ(counts.sent, 1);
  EXPECT_EQ(counts.answered, 1);
  EXPECT_EQ(counts.missed(), 0);
  EXPECT_EQ(counts.latencies.largest(), absl::Milliseconds(30));
  EXPECT_EQ(counts.loops[0].steps_done, 2);
  EXPECT_THAT(counts.outcomes, ElementsAre(Pair(v1::ADAPTED, 1)));
}

// A closed loop would send one request in these two seconds and report one bad
// latency; an open loop misses each tick.
TEST(RecorderTest, AStalledServerMissesEveryTickAndHasTheWholeLatency) {
  Recorder recorder(1, absl::Milliseconds(50));
  EXPECT_TRUE(recorder.Begin(0, absl::ZeroDuration(), true));
  for (int i = 1; i < 40; ++i) {
    EXPECT_FALSE(recorder.Begin(0, i * absl::Milliseconds(50), true));
  }
  recorder.Answer(0, absl::Seconds(2), Report(v1::FROZEN, 0));
  EXPECT_TRUE(recorder.Begin(0, absl::Seconds(2), true));
  const LoadCounts counts = recorder.counts();
  EXPECT_EQ(counts.skipped, 39);
  EXPECT_EQ(counts.late, 1);
  EXPECT_EQ(counts.latencies.largest(), absl::Seconds(2));
  EXPECT_EQ(counts.ticks(), 41);
  EXPECT_DOUBLE_EQ(counts.missed_fraction(), 40.0 / 41);
}

TEST(RecorderTest, AnAnswerAtTheDeadlineIsInTime) {
  Recorder recorder(2, absl::Milliseconds(50));
  recorder.Begin(0, absl::ZeroDuration(), true);
  recorder.Begin(1, absl::ZeroDuration(), true);
  recorder.Answer(0, absl::Milliseconds(50), Report(v1::ADAPTED, 1));
  recorder.Answer(1, absl::Milliseconds(50) + absl::Nanoseconds(1),
                  Report(v1::ADAPTED, 1));
  EXPECT_EQ(recorder.counts().late, 1);
}

TEST(RecorderTest, ErrorsAreMissesByTheirReason) {
  Recorder recorder(3, absl::Seconds(1));
  for (int loop = 0; loop < 3; ++loop) {
    recorder.Begin(loop, absl::ZeroDuration(), true);
  }
  recorder.Fail(0, "OVERLOADED");
  recorder.Fail(1, "OVERLOADED");
  recorder.GiveUp();
  recorder.Fail(1, "OVERLOADED");  // Loop 1 no longer waits.
  recorder.Answer(2, absl::ZeroDuration(), Report(v1::ADAPTED, 1));
  const LoadCounts counts = recorder.counts();
  EXPECT_THAT(counts.errors,
              ElementsAre(Pair("NO_ANSWER", 1), Pair("OVERLOADED", 2)));
  EXPECT_EQ(counts.missed(), 3);
  EXPECT_EQ(counts.answered, 0);
  EXPECT_EQ(counts.sent, counts.answered + counts.failed());
  EXPECT_EQ(recorder.waiting(), 0);
}

TEST(RecorderTest, TheWarmUpIsNotCounted) {
  Recorder recorder(1, absl::Milliseconds(1));
  recorder.Begin(0, absl::ZeroDuration(), false);
  EXPECT_EQ(recorder.waiting(), 1);
  EXPECT_FALSE(recorder.Begin(0, absl::Milliseconds(1), false));
  recorder.Answer(0, absl::Seconds(1), Report(v1::ADAPTED, 1));
  recorder.Begin(0, absl::Seconds(1), false);
  recorder.Fail(0, "OVERLOADED");
  const LoadCounts counts = recorder.counts();
  EXPECT_EQ(counts.ticks(), 0);
  EXPECT_EQ(counts.missed(), 0);
  EXPECT_EQ(counts.latencies.count(), 0);
  EXPECT_EQ(counts.missed_fraction(), 0);
}

}  // namespace
}  // namespace foresight

#include "server/service/caller.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(CallerTest, GrpcsLargestTimeMeansNoDeadline) {
  for (const gpr_clock_type clock : {GPR_CLOCK_MONOTONIC, GPR_CLOCK_REALTIME}) {
    EXPECT_EQ(TimeLeft(gpr_inf_future(clock)), absl::InfiniteDuration());
  }
}

TEST(CallerTest, ADeadlineOfAnyClockIsAsFarAway) {
  for (const gpr_clock_type clock : {GPR_CLOCK_MONOTONIC, GPR_CLOCK_REALTIME}) {
    const gpr_timespec hour = gpr_time_from_hours(1, GPR_TIMESPAN);
    const absl::Time begin = MonotonicNow();
    const absl::Duration left = TimeLeft(gpr_time_add(gpr_now(clock), hour));
    const absl::Duration passed = MonotonicNow() - begin;
    EXPECT_LE(left, absl::Hours(1));
    EXPECT_GE(left, absl::Hours(1) - passed - absl::Milliseconds(1));
  }
}

TEST(CallerTest, AnEarlierDeadlineIsOver) {
  const gpr_timespec past = gpr_time_sub(
      gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(3, GPR_TIMESPAN));
  EXPECT_LE(TimeLeft(past), -absl::Seconds(3));
}

}  // namespace
}  // namespace foresight

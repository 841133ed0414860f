#include "client/backoff_timer.h"

#include <gtest/gtest.h>

#include "client/error_conversion.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

const RetryPolicy kPolicy = {1, absl::Milliseconds(50), absl::Seconds(2)};
const absl::Status kGone = absl::UnavailableError("gone");

TEST(BackoffTimerTest, TheFirstAttemptNeedNotWait) {
  EXPECT_EQ(BackoffTimer(kPolicy, 1).next(), SteadyTime::min());
}

TEST(BackoffTimerTest, WaitsDoubleUpToTheLargestWithJitter) {
  BackoffTimer timer(kPolicy, 1);
  SteadyTime now = SteadyNow();
  for (const int full_ms : {50, 100, 200, 400, 800, 1600, 2000, 2000}) {
    timer.Fail(kGone, now);
    const absl::Duration wait = Between(now, timer.next());
    EXPECT_GE(wait, absl::Milliseconds(full_ms) / 2);
    EXPECT_LE(wait, absl::Milliseconds(full_ms));
    now = timer.next();
  }
}

TEST(BackoffTimerTest, SuccessEndsTheWaitAndStartsAnew) {
  BackoffTimer timer(kPolicy, 1);
  const SteadyTime now = SteadyNow();
  for (int i = 0; i < 9; ++i) timer.Fail(kGone, now);
  timer.Succeed();
  EXPECT_EQ(timer.next(), SteadyTime::min());
  timer.Fail(kGone, now);
  EXPECT_LE(Between(now, timer.next()), absl::Milliseconds(50));
}

TEST(BackoffTimerTest, TheServersDelayIsKept) {
  BackoffTimer timer(kPolicy, 1);
  const SteadyTime now = SteadyNow();
  timer.Fail(CallError(absl::StatusCode::kResourceExhausted, "busy",
                       "OVERLOADED", absl::Seconds(7)),
             now);
  EXPECT_EQ(Between(now, timer.next()), absl::Seconds(7));
}

TEST(BackoffTimerTest, SeedsDrawTheirOwnJitterAndRepeatIt) {
  const SteadyTime now = SteadyNow();
  const auto first_wait = [&](uint64_t seed) {
    BackoffTimer timer(kPolicy, seed);
    timer.Fail(kGone, now);
    return Between(now, timer.next());
  };
  EXPECT_EQ(first_wait(1), first_wait(1));
  EXPECT_NE(first_wait(1), first_wait(2));
}

}  // namespace
}  // namespace foresight

#include "client/load/schedule.h"

#include <gtest/gtest.h>

#include <set>

namespace foresight {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(50);

Schedule::Options Options(int loops, double jitter, uint64_t seed) {
  return {loops, kPeriod, jitter, seed};
}

TEST(ScheduleTest, TicksComeInOrderAndOncePerPeriodAndLoop) {
  Schedule schedule(Options(5, 0.9, 1));
  absl::Duration last;
  std::vector<int64_t> numbers(5);
  for (int i = 0; i < 5000; ++i) {
    const Tick tick = schedule.Take();
    EXPECT_LE(last, tick.at);
    EXPECT_EQ(tick.at, schedule.TimeOf(tick.loop, tick.number));
    EXPECT_EQ(tick.number, numbers[tick.loop]++);
    last = tick.at;
  }
  for (const int64_t number : numbers) EXPECT_NEAR(number, 1000, 2);
}

TEST(ScheduleTest, TheSameSeedGivesTheSameTimes) {
  Schedule once(Options(20, 0.5, 7));
  Schedule again(Options(20, 0.5, 7));
  const Schedule other(Options(20, 0.5, 8));
  int equal = 0;
  for (int i = 0; i < 500; ++i) {
    const Tick tick = once.Take();
    EXPECT_EQ(tick.at, again.next().at);
    EXPECT_EQ(tick.loop, again.Take().loop);
    equal += tick.at == other.TimeOf(tick.loop, tick.number) ? 1 : 0;
  }
  EXPECT_EQ(equal, 0);
}

TEST(ScheduleTest, MoreLoopsLeaveTheTimesOfTheOthersAlone) {
  const Schedule few(Options(2, 0.5, 7));
  const Schedule many(Options(200, 0.5, 7));
  EXPECT_EQ(few.TimeOf(1, 9), many.TimeOf(1, 9));
}

TEST(ScheduleTest, PhasesSpreadOverThePeriod) {
  const Schedule schedule(Options(1000, 0, 3));
  std::vector<int> tenths(10);
  for (int loop = 0; loop < 1000; ++loop) {
    const double phase = absl::FDivDuration(schedule.TimeOf(loop, 0), kPeriod);
    ASSERT_GE(phase, 0);
    ASSERT_LT(phase, 1);
    ++tenths[static_cast<size_t>(10 * phase)];
  }
  // 100 expected in each; the standard deviation is 9.5.
  for (const int count : tenths) EXPECT_NEAR(count, 100, 45);
}

TEST(ScheduleTest, JitterStaysInsideItsFractionAndVaries) {
  const Schedule steady(Options(1, 0, 3));
  const Schedule jittered(Options(1, 0.2, 3));
  std::set<absl::Duration> shifts;
  for (int64_t number = 0; number < 200; ++number) {
    EXPECT_EQ(steady.TimeOf(0, number), steady.TimeOf(0, 0) + number * kPeriod);
    const absl::Duration shift =
        jittered.TimeOf(0, number) - steady.TimeOf(0, number);
    EXPECT_GE(shift, absl::ZeroDuration());
    // Allows a nanosecond for rounding phase + jitter.
    EXPECT_LE(shift, 0.2 * kPeriod + absl::Nanoseconds(1));
    shifts.insert(shift);
  }
  EXPECT_EQ(shifts.size(), 200u);
  EXPECT_GT(*shifts.rbegin() - *shifts.begin(), 0.15 * kPeriod);
}

}  // namespace
}  // namespace foresight

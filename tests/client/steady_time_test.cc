#include "foresight/steady_time.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(SteadyTimeTest, AfterAndBetweenAreInverse) {
  const SteadyTime begin = SteadyNow();
  const SteadyTime end = After(begin, absl::Milliseconds(1500));
  EXPECT_EQ(Between(begin, end), absl::Milliseconds(1500));
  EXPECT_EQ(Between(end, begin), -absl::Milliseconds(1500));
}

TEST(SteadyTimeTest, AnInfiniteDurationNeverEnds) {
  const SteadyTime end = After(SteadyNow(), absl::InfiniteDuration());
  EXPECT_EQ(end, SteadyTime::max());
  EXPECT_EQ(Between(SteadyNow(), end), absl::InfiniteDuration());
}

}  // namespace
}  // namespace foresight

#include "client/load/steps.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(StepsTest, AreMeansOfSessionsAndTheirMean) {
  // Three sessions of 10 ticks: 1 step per answer, 0.5 steps per answer, and 0
  // steps because there was no answer.
  const StepShares shares = SharesOf({{10, 10, 10}, {10, 4, 2}, {10, 0, 0}});
  EXPECT_DOUBLE_EQ(shares.mean, 0.5);
  EXPECT_EQ(shares.lowest, 0);
  EXPECT_EQ(shares.highest, 1);
  EXPECT_EQ(shares.lowest_over_mean, 0);
  EXPECT_EQ(shares.highest_over_mean, 2);
}

TEST(StepsTest, ASessionWithoutTicksIsLeftOut) {
  const StepShares shares = SharesOf({{10, 10, 20}, {0, 0, 0}});
  EXPECT_EQ(shares.mean, 2);
  EXPECT_EQ(shares.lowest, 2);
}

TEST(StepsTest, FrozenLoadsHaveNoShares) {
  EXPECT_EQ(SharesOf({{10, 10, 0}}).lowest_over_mean, std::nullopt);
  EXPECT_EQ(SharesOf({}).highest_over_mean, std::nullopt);
}

}  // namespace
}  // namespace foresight

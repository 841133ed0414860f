#include "client/run/statistics.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace foresight {
namespace {

TEST(StatisticsTest, MeanAndItsStandardError) {
  const std::vector<double> values = {2, 4, 4, 4, 5, 5, 7, 9};
  EXPECT_DOUBLE_EQ(Mean(values), 5);
  // The sum of squares is 32, n - 1 = 7 and n = 8.
  EXPECT_DOUBLE_EQ(StandardError(values), std::sqrt(32.0 / 7 / 8));
  EXPECT_EQ(StandardError({3}), 0);
}

TEST(StatisticsTest, QuantilesLieBetweenTheSortedValues) {
  // numpy.quantile([3, 1, 2, 10], [0, .25, .5, .99, 1])
  const std::vector<double> values = {3, 1, 2, 10};
  EXPECT_DOUBLE_EQ(Quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.25), 1.75);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.99), 9.79);
  EXPECT_DOUBLE_EQ(Quantile(values, 1), 10);
  EXPECT_DOUBLE_EQ(Quantile({7}, 0.99), 7);
}

TEST(StatisticsTest, BootstrapOfEqualValuesIsAPoint) {
  const Interval interval = BootstrapInterval({4, 4, 4}, 100, 1);
  EXPECT_EQ(interval.low, 4);
  EXPECT_EQ(interval.high, 4);
}

TEST(StatisticsTest, BootstrapRepeatsWithItsSeed) {
  const std::vector<double> values = {1, 5, 2, 8, 3};
  const Interval a = BootstrapInterval(values, 500, 1);
  const Interval b = BootstrapInterval(values, 500, 1);
  const Interval c = BootstrapInterval(values, 500, 2);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_TRUE(a.low != c.low || a.high != c.high);
}

TEST(StatisticsTest, BootstrapTendsToTheNormalInterval) {
  std::mt19937_64 random(3);
  std::vector<double> values(400);
  for (double& value : values) value = std::normal_distribution<>()(random);
  const Interval interval = BootstrapInterval(values, 20000, 1);
  const double half = 1.96 * StandardError(values);
  // With 20,000 resamples the bounds' noise is 1.5 % of `half` (from the
  // density at the 2.5 % quantile); the finite sample's skew is about as large.
  EXPECT_NEAR(interval.low, Mean(values) - half, 0.06 * half);
  EXPECT_NEAR(interval.high, Mean(values) + half, 0.06 * half);
}

TEST(StatisticsTest, BootstrapCoversTheMeanAsOftenAsItSays) {
  // 300 samples of 20: coverage of the percentile bootstrap is a little under
  // 95 % for small samples (about 93 %), with a standard error of 1.5 %.
  std::mt19937_64 random(5);
  int covered = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<double> values(20);
    for (double& value : values) value = std::normal_distribution<>()(random);
    const Interval interval = BootstrapInterval(values, 500, 1);
    covered += interval.low <= 0 && 0 <= interval.high ? 1 : 0;
  }
  EXPECT_GT(covered, 265);
  EXPECT_LT(covered, 298);
}

}  // namespace
}  // namespace foresight

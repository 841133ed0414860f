#include "client/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace foresight {
namespace {

TEST(LatencyHistogramTest, WithoutLatenciesEveryFigureIsZero) {
  const LatencyHistogram histogram;
  EXPECT_EQ(histogram.count(), 0);
  EXPECT_EQ(histogram.Quantile(0.5), absl::ZeroDuration());
  EXPECT_EQ(histogram.largest(), absl::ZeroDuration());
}

TEST(LatencyHistogramTest, QuantilesAreThoseOfTheSortedSample) {
  // From 3 us to some minutes.
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(8, 2.5);
  LatencyHistogram histogram;
  std::vector<double> sample;
  for (int i = 0; i < 20001; ++i) {
    sample.push_back(std::exp(normal(random)));
    histogram.Add(absl::Microseconds(sample.back()));
  }
  std::sort(sample.begin(), sample.end());
  for (const double fraction : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999}) {
    const double rank = std::ceil(fraction * 20001);
    const double expected =
        sample[static_cast<size_t>(std::max(rank, 1.0)) - 1];
    // The tolerance is half a bucket: 2^-8, or half a microsecond plus the
    // fraction that Add drops.
    EXPECT_NEAR(absl::ToDoubleMicroseconds(histogram.Quantile(fraction)),
                expected, 1 + expected / 256)
        << fraction;
  }
  EXPECT_NEAR(absl::ToDoubleMicroseconds(histogram.largest()), sample.back(),
              0.001);
  EXPECT_EQ(histogram.Quantile(1) <= histogram.largest(), true);
  EXPECT_EQ(histogram.count(), 20001);
}

TEST(LatencyHistogramTest, EveryLatencyIsInExactlyOneRange) {
  LatencyHistogram histogram;
  for (int i = 0; i < 40; ++i) histogram.Add(absl::Nanoseconds(1ll << i));
  int64_t sum = 0;
  for (int i = 0; i < 60; ++i) {
    sum += histogram.CountBetween(absl::Nanoseconds(i == 0 ? 0 : 1ll << i),
                                  absl::Nanoseconds(1ll << (i + 1)));
  }
  EXPECT_EQ(sum, 40);
  EXPECT_EQ(histogram.CountBetween(absl::Seconds(0.25), absl::Hours(1)), 12);
}

TEST(LatencyHistogramTest, ANegativeLatencyCountsAsZero) {
  LatencyHistogram histogram;
  histogram.Add(absl::Microseconds(-5));
  EXPECT_EQ(histogram.count(), 1);
  EXPECT_EQ(histogram.Quantile(1), absl::ZeroDuration());
}

}  // namespace
}  // namespace foresight

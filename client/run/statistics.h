// The few statistics that a comparison of episodes needs. All take at least one
// value.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace foresight {

double Mean(absl::Span<const double> values);

// The mean's standard error: sample std. deviation / sqrt(n); 0 for one value.
double StandardError(absl::Span<const double> values);

// The value below which `fraction` (0..1) of the sample lies, linear between
// neighbours: Hyndman and Fan's definition 7, which numpy.quantile uses.
double Quantile(absl::Span<const double> values, double fraction);

struct Interval {
  double low = 0;
  double high = 0;
};

// The 95 % percentile bootstrap interval of the mean: `resamples` samples of
// the same size drawn with replacement. Same seed, same interval on every
// machine.
Interval BootstrapInterval(absl::Span<const double> values, int resamples,
                           uint64_t seed);

// The interval that reports show for a mean of paired differences: a bootstrap
// with a fixed seed, so that it repeats.
Interval DifferenceInterval(absl::Span<const double> differences);

}  // namespace foresight

#include "client/run/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace foresight {
namespace {

// Any values will do. They are fixed so that a report's interval can be
// reproduced.
constexpr int kResamples = 10000;
constexpr uint64_t kBootstrapSeed = 1;

}  // namespace

double Mean(absl::Span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}

double StandardError(absl::Span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = Mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  return std::sqrt(squares / (n - 1) / n);
}

double Quantile(absl::Span<const double> values, double fraction) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const double position = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double weight = position - static_cast<double>(below);
  return sorted[below] + weight * (sorted[above] - sorted[below]);
}

Interval BootstrapInterval(absl::Span<const double> values, int resamples,
                           uint64_t seed) {
  // The C++ standard fixes the numbers of this generator, but not those of its
  // distributions: hence a remainder, whose bias of n 2^-64 is negligible.
  std::mt19937_64 random(seed);
  std::vector<double> means(resamples);
  for (double& mean : means) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      sum += values[random() % values.size()];
    }
    mean = sum / static_cast<double>(values.size());
  }
  return {Quantile(means, 0.025), Quantile(means, 0.975)};
}

Interval DifferenceInterval(absl::Span<const double> differences) {
  return BootstrapInterval(differences, kResamples, kBootstrapSeed);
}

}  // namespace foresight

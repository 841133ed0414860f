#include "models/data/fitted_standardiser.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace foresight {

FittedStandardiser FitStandardiser(absl::Span<const float> values, int width,
                                   float floor) {
  const size_t rows = values.size() / width;
  std::vector<double> mean(width, 0.0), square(width, 0.0);
  for (size_t i = 0; i < values.size(); ++i) mean[i % width] += values[i];
  for (double& m : mean) m /= static_cast<double>(rows);
  // A second pass about the mean avoids cancellation.
  for (size_t i = 0; i < values.size(); ++i) {
    const double deviation = values[i] - mean[i % width];
    square[i % width] += deviation * deviation;
  }
  FittedStandardiser standardiser;
  for (int j = 0; j < width; ++j) {
    const double std = std::sqrt(square[j] / static_cast<double>(rows));
    standardiser.mean.push_back(static_cast<float>(mean[j]));
    standardiser.std.push_back(std::max(static_cast<float>(std), floor));
  }
  return standardiser;
}

FittedStandardiser FitDifferenceStandardiser(absl::Span<const float> before,
                                             absl::Span<const float> after,
                                             int width, float floor) {
  std::vector<float> differences(before.size());
  for (size_t i = 0; i < before.size(); ++i) {
    differences[i] = after[i] - before[i];
  }
  return FitStandardiser(differences, width, floor);
}

}  // namespace foresight

// Mean and standard deviation of the columns of a data set.
#pragma once

#include <vector>

#include "absl/types/span.h"

namespace foresight {

struct FittedStandardiser {
  std::vector<float> mean;  // [width]
  std::vector<float> std;   // [width], each at least the floor.
};

// Fits row-major `values` [N, width], N >= 1, accumulated in double. A column
// that hardly varies gets `floor` as its std, so that dividing by it is
// harmless.
FittedStandardiser FitStandardiser(absl::Span<const float> values, int width,
                                   float floor);

// Fits the differences `after` - `before`, both [N, width].
FittedStandardiser FitDifferenceStandardiser(absl::Span<const float> before,
                                             absl::Span<const float> after,
                                             int width, float floor);

}  // namespace foresight

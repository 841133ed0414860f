// Observations in the type that the wire carries.
#pragma once

#include <vector>

#include "absl/types/span.h"

namespace foresight {

inline std::vector<float> ToFloat(absl::Span<const double> observation) {
  return {observation.begin(), observation.end()};
}

}  // namespace foresight

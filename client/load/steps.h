// Measures how evenly a server adapts a load's sessions.
#pragma once

#include <optional>
#include <vector>

#include "client/load/recorder.h"

namespace foresight {

// Gradient steps per decision, averaged in each session. A session without an
// answer has 0; sessions without ticks are left out.
struct StepShares {
  double mean = 0;
  double lowest = 0;
  double highest = 0;
  // Divided by the mean; unset if that is 0.
  std::optional<double> lowest_over_mean;
  std::optional<double> highest_over_mean;
};

StepShares SharesOf(const std::vector<LoadCounts::Loop>& loops);

}  // namespace foresight

// How evenly a server adapts the sessions of a load.
#pragma once

#include <optional>
#include <vector>

#include "client/load/recorder.h"

namespace foresight {

// Gradient steps per decision, as means of sessions; a session that got no
// answer has 0. Sessions without ticks are left out.
struct StepShares {
  double mean = 0;
  double lowest = 0;
  double highest = 0;
  // Over the mean; unset if that is 0.
  std::optional<double> lowest_over_mean;
  std::optional<double> highest_over_mean;
};

StepShares SharesOf(const std::vector<LoadCounts::Loop>& loops);

}  // namespace foresight

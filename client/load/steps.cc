#include "client/load/steps.h"

#include <algorithm>

namespace foresight {

StepShares SharesOf(const std::vector<LoadCounts::Loop>& loops) {
  std::vector<double> means;
  double sum = 0;
  for (const LoadCounts::Loop& loop : loops) {
    if (loop.ticks == 0) continue;
    means.push_back(static_cast<double>(loop.steps_done) /
                    static_cast<double>(std::max<int64_t>(loop.answered, 1)));
    sum += means.back();
  }
  StepShares shares;
  if (means.empty()) return shares;
  shares.mean = sum / static_cast<double>(means.size());
  shares.lowest = *std::min_element(means.begin(), means.end());
  shares.highest = *std::max_element(means.begin(), means.end());
  if (shares.mean > 0) {
    shares.lowest_over_mean = shares.lowest / shares.mean;
    shares.highest_over_mean = shares.highest / shares.mean;
  }
  return shares;
}

}  // namespace foresight

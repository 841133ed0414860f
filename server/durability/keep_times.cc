#include "server/durability/keep_times.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace foresight {
namespace {

constexpr double kQuantile = 0.99;
constexpr absl::Duration kMemory = absl::Seconds(5);
constexpr absl::Duration kShortest = absl::Microseconds(100);
constexpr double kPerDoubling = 4;

}  // namespace

void KeepTimes::Learn(absl::Duration waited, absl::Time now) {
  const double kept = std::exp(-absl::FDivDuration(now - learnt_, kMemory));
  for (double& count : counts_) count *= kept;
  learnt_ = now;
  const double doublings =
      std::log2(std::max(1.0, absl::FDivDuration(waited, kShortest)));
  const double length = std::ceil(kPerDoubling * doublings);
  counts_[static_cast<int>(std::min<double>(length, kLengths - 1))] += 1;
}

absl::Duration KeepTimes::Expect() const {
  double longer = std::accumulate(counts_.begin(), counts_.end(), 0.0);
  if (longer == 0) return absl::ZeroDuration();
  const double most_longer = (1 - kQuantile) * longer;
  int length = -1;
  while (longer > most_longer && length < kLengths - 1) {
    longer -= counts_[++length];
  }
  return std::exp2(length / kPerDoubling) * kShortest;
}

}  // namespace foresight

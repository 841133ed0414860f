#include "client/load/latency_histogram.h"

#include <algorithm>
#include <cmath>

namespace foresight {
namespace {

constexpr int kBits = 7;  // A bucket's width is at most 2^-7 of its values.

// Each value below 2^(kBits + 1) has its own bucket. Above that, the highest
// kBits + 1 bits choose the bucket; `shift` is the number of ignored bits.
size_t BucketOf(int64_t microseconds) {
  int shift = 0;
  while (microseconds >> shift >= 2 << kBits) ++shift;
  return (static_cast<size_t>(shift) << kBits) +
         static_cast<size_t>(microseconds >> shift);
}

absl::Duration MiddleOf(size_t bucket) {
  const size_t shift =
      std::max<size_t>(bucket >> kBits, 1) - 1;  // Inverse of BucketOf.
  const size_t low = (bucket - (shift << kBits)) << shift;
  const size_t width = size_t{1} << shift;
  return absl::Microseconds(static_cast<double>(low) +
                            0.5 * static_cast<double>(width));
}

}  // namespace

void LatencyHistogram::Add(absl::Duration latency) {
  latency = std::max(latency, absl::ZeroDuration());
  const size_t bucket = BucketOf(absl::ToInt64Microseconds(latency));
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  ++counts_[bucket];
  ++count_;
  largest_ = std::max(largest_, latency);
}

absl::Duration LatencyHistogram::Quantile(double fraction) const {
  const auto rank = std::max<int64_t>(
      1, std::llround(std::ceil(fraction * static_cast<double>(count_))));
  int64_t below = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    below += counts_[bucket];
    if (below >= rank) return std::min(MiddleOf(bucket), largest_);
  }
  return absl::ZeroDuration();
}

int64_t LatencyHistogram::CountBetween(absl::Duration low,
                                       absl::Duration high) const {
  int64_t count = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    const absl::Duration middle = MiddleOf(bucket);
    if (low <= middle && middle < high) count += counts_[bucket];
  }
  return count;
}

}  // namespace foresight

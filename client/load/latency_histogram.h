// Stores any number of latencies in limited memory.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace foresight {

// Counts durations in buckets of a microsecond below 256 us, and of at most
// 1/128 of their value above, as HdrHistogram does. largest() is exact.
//
// Not thread-safe.
class LatencyHistogram {
 public:
  void Add(absl::Duration latency);  // Negative ones count as zero.

  int64_t count() const { return count_; }
  absl::Duration largest() const { return largest_; }

  // The quantile at `fraction` (0..1) by nearest rank: the middle of the bucket
  // that holds it, so the error is at most 0.5 us or 0.4 %. Zero if the
  // histogram is empty.
  absl::Duration Quantile(double fraction) const;

  // The number of latencies in [low, high), exact to a bucket's width.
  int64_t CountBetween(absl::Duration low, absl::Duration high) const;

 private:
  std::vector<int64_t> counts_;  // By bucket; grows as needed.
  int64_t count_ = 0;
  absl::Duration largest_;
};

}  // namespace foresight

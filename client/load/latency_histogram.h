// Latencies in a bounded amount of memory, however many there are.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace foresight {

// Counts durations in buckets of whole microseconds below 256 us, and above
// of at most 1/128 of their value (as HdrHistogram does). The largest is exact.
//
// Not thread-safe.
class LatencyHistogram {
 public:
  void Add(absl::Duration latency);  // Negative ones count as zero.

  int64_t count() const { return count_; }
  absl::Duration largest() const { return largest_; }

  // The middle of the bucket that holds the latency at `fraction` (0..1) of
  // all, by nearest rank; so it is wrong by at most 0.5 us or 0.4 %. Zero if
  // the histogram is empty.
  absl::Duration Quantile(double fraction) const;

  // How many latencies are in [low, high), up to the width of a bucket.
  int64_t CountBetween(absl::Duration low, absl::Duration high) const;

 private:
  std::vector<int64_t> counts_;  // By bucket; as long as it has to be.
  int64_t count_ = 0;
  absl::Duration largest_;
};

}  // namespace foresight

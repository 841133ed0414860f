// The times at which each control loop of a load sends.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace foresight {

// One observation to send.
struct Tick {
  absl::Duration at;  // Since the load began.
  int loop = 0;
  int64_t number = 0;  // Counts this loop's ticks, from 0.
};

// Tick n of a loop is at phase + (n + jitter u) period. The phase is uniform in
// [0, period), and u in [0, 1) is drawn anew for each tick. All are hashes of
// the seed, so the times do not depend on the server or on the number of other
// loops.
//
// Not thread-safe. Starts no thread and reads no clock.
class Schedule {
 public:
  struct Options {
    int loops = 1;                             // >= 1
    absl::Duration period = absl::Seconds(1);  // > 0
    double jitter = 0;                         // In [0, 1].
    uint64_t seed = 0;
  };

  explicit Schedule(const Options& options);

  absl::Duration TimeOf(int loop, int64_t number) const;

  // The earliest tick that is not taken yet.
  const Tick& next() const { return ticks_.front(); }
  // Takes that tick.
  Tick Take();

 private:
  const Options options_;
  std::vector<Tick> ticks_;  // Each loop's next; a heap, earliest first.
};

}  // namespace foresight

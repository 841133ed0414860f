// Estimates how long an answer will wait until it is kept, from measured waits.
#pragma once

#include <array>

#include "absl/time/time.h"

namespace foresight {

// Counts waits by their length; counts fade with a time constant of some
// seconds, so that a store that was slow for a while is trusted again.
//
// Not thread-safe. Reads no clock.
class KeepTimes {
 public:
  // Records that an answer was kept after `waited`.
  void Learn(absl::Duration waited, absl::Time now);

  // The time to allow for keeping: 99 % of the recent waits were not longer.
  // May be up to a fifth too high, never too low; 0 if there was no wait.
  absl::Duration Expect() const;

 private:
  // Four lengths for each doubling, from 0.1 ms to 100 s.
  static constexpr int kLengths = 80;

  std::array<double, kLengths> counts_ = {};
  absl::Time learnt_ = absl::InfinitePast();
};

}  // namespace foresight

// Monotonic time, with which the client measures durations and compares
// deadlines, so that a change of the wall clock affects neither.
#pragma once

#include <chrono>

#include "absl/time/time.h"

namespace foresight {

using SteadyTime = std::chrono::steady_clock::time_point;

inline SteadyTime SteadyNow() { return std::chrono::steady_clock::now(); }

// `duration` after `time`; SteadyTime::max() if that is out of range.
inline SteadyTime After(SteadyTime time, absl::Duration duration) {
  const auto step = absl::ToChronoNanoseconds(duration);
  if (step > SteadyTime::max() - time) return SteadyTime::max();
  return time + step;
}

// The time from `begin` to `end`; negative if `end` is earlier.
inline absl::Duration Between(SteadyTime begin, SteadyTime end) {
  if (end == SteadyTime::max()) return absl::InfiniteDuration();
  return absl::FromChrono(end - begin);
}

}  // namespace foresight

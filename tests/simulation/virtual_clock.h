// Time that passes only when a simulation says so.
#pragma once

#include "absl/time/time.h"

namespace foresight {

struct VirtualClock {
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  // Added by the engine's clock alone: while it computes a step, whose results
  // are there at once, it sees the time at which the step ends.
  absl::Duration ahead = absl::ZeroDuration();
};

}  // namespace foresight

// Time that passes only when a simulation says so.
#pragma once

#include "absl/time/time.h"

namespace foresight {

struct VirtualClock {
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  // Added by the engine's clock only: while it computes a step, whose results
  // are available at once, it sees the time at which the step will end.
  absl::Duration ahead = absl::ZeroDuration();
};

}  // namespace foresight

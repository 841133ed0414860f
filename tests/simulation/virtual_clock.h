// Time that passes only when a simulation says so.
#pragma once

#include "absl/time/time.h"

namespace foresight {

struct VirtualClock {
  absl::Time now = absl::UnixEpoch() + absl::Hours(1);
  // Only the engine's clock adds this. A step's results are computed at once,
  // but meanwhile the engine sees the time at which the step will end.
  absl::Duration ahead = absl::ZeroDuration();
};

}  // namespace foresight

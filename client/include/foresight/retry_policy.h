// How often a failed call is tried again, and when.
#pragma once

#include "absl/time/time.h"

namespace foresight {

struct RetryPolicy {
  int max_attempts = 4;  // >= 1; 1: no retry.
  // Waits double from the first to the second of these. Each is shortened at
  // random by up to half, so that clients do not come back all at once.
  absl::Duration initial_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(1);
};

}  // namespace foresight

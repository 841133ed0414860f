// Decides when and how often a failed call is tried again.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cancellation.h"
#include "client/steady_time.h"

namespace foresight {

struct RetryPolicy {
  int max_attempts = 4;  // >= 1; 1: no retry.
  // Waits double from the first to the second of these. Each is shortened at
  // random by up to half, so that clients do not come back all at once.
  absl::Duration initial_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(1);
};

// Whether the same call may succeed later: UNAVAILABLE, ABORTED, and
// RESOURCE_EXHAUSTED if the server says when to come back.
bool IsRetryable(const absl::Status& status);

// The wait before attempt `attempt` + 1 (attempts count from 1), at least as
// long as the server asked for in `status`.
absl::Duration Backoff(const RetryPolicy& policy, int attempt,
                       const absl::Status& status, absl::BitGenRef random);

// Runs `attempt` until it succeeds, fails for good, was tried max_attempts
// times, or the next wait would pass `deadline`. Returns its last status; the
// message says how often it was tried. Cancelled if `cancellation`, which may
// be null, is. Use it only for calls that can be repeated safely.
absl::Status WithRetries(const RetryPolicy& policy, SteadyTime deadline,
                         const Cancellation* cancellation,
                         absl::FunctionRef<absl::Status()> attempt);

}  // namespace foresight

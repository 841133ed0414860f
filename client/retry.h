// When a failed call is tried again, and how often.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cancellation.h"
#include "client/steady_time.h"

namespace foresight {

struct RetryPolicy {
  int max_attempts = 4;  // >= 1; 1: never again.
  // Waits double from the first to the last of these, each shortened by up to
  // half at random so that clients do not come back all at once.
  absl::Duration initial_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(1);
};

// Whether the same call may succeed later though nobody changes it:
// UNAVAILABLE, ABORTED, and RESOURCE_EXHAUSTED where the server says when to
// come back.
bool IsRetryable(const absl::Status& status);

// The wait before attempt `attempt` + 1 (attempts count from 1), at least as
// long as the server asked for in `status`.
absl::Duration Backoff(const RetryPolicy& policy, int attempt,
                       const absl::Status& status, absl::BitGenRef random);

// Runs `attempt` until it succeeds, fails for good, was tried max_attempts
// times, or the next wait would pass `deadline`; then gives its last status,
// the message saying how often it was tried. Cancelled when `cancellation`
// (may be null) is. Only for what may be done twice without harm.
absl::Status WithRetries(const RetryPolicy& policy, SteadyTime deadline,
                         const Cancellation* cancellation,
                         absl::FunctionRef<absl::Status()> attempt);

}  // namespace foresight

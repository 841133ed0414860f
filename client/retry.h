// Decides when and how often a failed call is tried again.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "foresight/cancellation.h"
#include "foresight/retry_policy.h"
#include "foresight/steady_time.h"

namespace foresight {

// Whether the same call may succeed later: UNAVAILABLE, ABORTED, and
// RESOURCE_EXHAUSTED if the server says when to come back.
bool IsRetryable(const absl::Status& status);

// The wait before attempt `attempt` + 1 (attempts count from 1), at least as
// long as the server asked for in `status`.
absl::Duration Backoff(const RetryPolicy& policy, int attempt,
                       const absl::Status& status, absl::BitGenRef random);

// Runs `attempt` until it succeeds, fails for good, has been tried max_attempts
// times, or the next wait would pass `deadline`. Returns its last status, whose
// message says how often it was tried; Cancelled if `cancellation` (may be
// null) is cancelled. Use it only for calls that can be repeated safely.
absl::Status WithRetries(const RetryPolicy& policy, SteadyTime deadline,
                         const Cancellation* cancellation,
                         absl::FunctionRef<absl::Status()> attempt);

}  // namespace foresight

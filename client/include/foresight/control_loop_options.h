// Options of a ControlLoop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "foresight/late_policy.h"
#include "foresight/retry_policy.h"

namespace foresight {

class ReconnectingStream;

struct ControlLoopOptions {
  absl::Duration deadline =
      absl::Milliseconds(20);  // Time for a step; positive.
  // The server's time for a decision. Leave room for the network. Unset: the
  // time to the step's deadline, which also limits a longer budget.
  std::optional<absl::Duration> budget;
  LatePolicy late = LatePolicy::kHoldLast;
  uint32_t plan_length = 0;           // 0..64; kFollowPlan: 1..64.
  LateCallback callback;              // Required by kCallback.
  std::vector<float> initial_action;  // [A]; empty: zeros.
  // After this long a missing answer is given up: its call is cancelled, or its
  // stream reopened. At least `deadline`.
  absl::Duration give_up_after = absl::Milliseconds(500);
  // Waits between consecutive failures; max_attempts does not apply.
  RetryPolicy backoff = {1, absl::Milliseconds(5), absl::Seconds(2)};
  uint64_t seed = 0;  // Draws the backoff's jitter.
  // The stream for decisions, which loops may share and which must outlive
  // them. Null: a call for each decision.
  ReconnectingStream* stream = nullptr;
};

// Checks options for actions of `action_size` values.
// Errors: InvalidArgument: an option is out of its range.
absl::Status Check(const ControlLoopOptions& options, size_t action_size);

}  // namespace foresight

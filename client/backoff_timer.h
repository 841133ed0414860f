// Says when to try again after consecutive failures.
#pragma once

#include <cstdint>
#include <random>

#include "absl/status/status.h"
#include "client/retry.h"
#include "foresight/steady_time.h"

namespace foresight {

// Follows Backoff (client/retry.h) with jitter from its own seed; the policy's
// max_attempts does not apply. Reads no clock: callers pass the time.
//
// Not thread-safe.
class BackoffTimer {
 public:
  BackoffTimer(const RetryPolicy& policy, uint64_t seed)
      : policy_(policy), random_(seed) {}

  // Records that an attempt failed with `status` at `now`: the next one waits
  // longer.
  void Fail(const absl::Status& status, SteadyTime now);
  // Records a success: the next attempt need not wait.
  void Succeed();

  // The earliest time of the next attempt.
  SteadyTime next() const { return next_; }

 private:
  const RetryPolicy policy_;
  std::mt19937_64 random_;
  int failures_ = 0;  // In a row.
  SteadyTime next_ = SteadyTime::min();
};

}  // namespace foresight

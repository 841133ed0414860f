#include "client/retry.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "client/error_conversion.h"
#include "foresight/call_error.h"

namespace foresight {

bool IsRetryable(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return RetryAfter(status).has_value();
    default:
      return false;
  }
}

absl::Duration Backoff(const RetryPolicy& policy, int attempt,
                       const absl::Status& status, absl::BitGenRef random) {
  const absl::Duration full =
      std::min(policy.max_backoff,
               policy.initial_backoff * std::exp2(std::min(attempt - 1, 30)));
  const absl::Duration wait = full * absl::Uniform(random, 0.5, 1.0);
  return std::max(wait, RetryAfter(status).value_or(absl::ZeroDuration()));
}

absl::Status WithRetries(const RetryPolicy& policy, SteadyTime deadline,
                         const Cancellation* cancellation,
                         absl::FunctionRef<absl::Status()> attempt) {
  static const Cancellation& never = *new Cancellation();
  if (cancellation == nullptr) cancellation = &never;
  absl::BitGen random;
  for (int i = 1;; ++i) {
    if (cancellation->cancelled()) {
      return absl::CancelledError("cancelled by the caller");
    }
    const absl::Status status = attempt();
    if (status.ok() || !IsRetryable(status)) return status;
    const absl::Duration wait = Backoff(policy, i, status, random);
    if (i >= policy.max_attempts || After(SteadyNow(), wait) >= deadline) {
      if (i == 1) return status;
      return WithMessage(
          status, absl::StrCat(status.message(), " (tried ", i, " times)"));
    }
    cancellation->WaitFor(wait);
  }
}

}  // namespace foresight

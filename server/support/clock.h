// The clock of decisions, sessions and the scheduler.
#pragma once

#include <functional>

#include "absl/time/time.h"

namespace foresight {

// Returns the time; tests and simulations pass their own.
using Clock = std::function<absl::Time()>;

// Time since an arbitrary moment, as an absl::Time. Never jumps, unlike the
// wall clock, which is only for logs. Comparable only with itself.
absl::Time MonotonicNow();

}  // namespace foresight

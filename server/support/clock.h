// The time that decisions, sessions and the scheduler live by.
#pragma once

#include <functional>

#include "absl/time/time.h"

namespace foresight {

// The time now; tests and simulations pass one of their own.
using Clock = std::function<absl::Time()>;

// Time since an arbitrary moment, as an absl::Time. Never jumps, unlike the
// wall clock, which belongs in logs alone. Comparable only with itself.
absl::Time MonotonicNow();

}  // namespace foresight

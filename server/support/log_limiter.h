// Keeps frequent events from flooding the log.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace foresight {

// Lets at most `per_second` events pass each second.
//
// Thread-safe.
class LogLimiter {
 public:
  explicit LogLimiter(int per_second) : per_second_(per_second) {}

  // Returns the number of events left out since the last one that passed, or
  // none if this one is left out as well.
  std::optional<uint64_t> Admit(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const int per_second_;
  absl::Mutex mutex_;
  absl::Time second_begin_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  int admitted_ ABSL_GUARDED_BY(mutex_) = 0;  // In this second.
  uint64_t left_out_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace foresight

#include "server/support/log_limiter.h"

#include <utility>

namespace foresight {

std::optional<uint64_t> LogLimiter::Admit(absl::Time now) {
  absl::MutexLock lock(&mutex_);
  if (now - second_begin_ >= absl::Seconds(1)) {
    second_begin_ = now;
    admitted_ = 0;
  }
  if (admitted_ >= per_second_) {
    ++left_out_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(left_out_, 0);
}

}  // namespace foresight

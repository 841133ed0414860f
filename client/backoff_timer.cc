#include "client/backoff_timer.h"

namespace foresight {

void BackoffTimer::Fail(const absl::Status& status, SteadyTime now) {
  next_ = After(now, Backoff(policy_, ++failures_, status, random_));
}

void BackoffTimer::Succeed() {
  failures_ = 0;
  next_ = SteadyTime::min();
}

}  // namespace foresight

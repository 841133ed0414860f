#include "client/load/ramp.h"

#include <algorithm>

namespace foresight {

std::optional<int> Ramp::Next() const {
  if (!failed_.has_value()) {
    if (passed_ == limit_) return std::nullopt;
    return passed_ == 0 ? first_ : std::min(limit_, 2 * passed_);
  }
  const int gap = *failed_ - passed_;
  if (gap <= std::max(1, passed_ / 50)) return std::nullopt;
  return passed_ + gap / 2;
}

void Ramp::Report(int sessions, bool passed) {
  if (passed) {
    passed_ = std::max(passed_, sessions);
  } else {
    failed_ = std::min(failed_.value_or(sessions), sessions);
  }
}

}  // namespace foresight

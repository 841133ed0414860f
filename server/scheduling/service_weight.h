// Measures how much service owners and sessions have had lately.
#pragma once

#include <cmath>

#include "absl/time/time.h"

namespace foresight {

// Service fades exponentially, so a share reflects the last few seconds. Since
// all shares fade alike, none is reduced: newer service gets a larger weight
// instead, and two shares compare as plain numbers at any time.
//
// Not thread-safe. Reads no clock.
class ServiceWeight {
 public:
  // One second of service at `now` adds this much to a share.
  double At(absl::Time now) {
    if (begin_ == absl::InfinitePast()) begin_ = now;
    return std::exp(absl::FDivDuration(now - begin_, kTimeConstant));
  }
  // True if the weights have become so large that shares must be divided by
  // what Rebase returns.
  bool MustRebase(absl::Time now) const {
    return begin_ != absl::InfinitePast() &&
           now - begin_ > kLongest * kTimeConstant;
  }
  double Rebase(absl::Time now) {
    const double divisor = At(now);
    begin_ = now;
    return divisor;
  }

 private:
  static constexpr absl::Duration kTimeConstant = absl::Seconds(2);
  static constexpr int kLongest = 30;  // exp(30) is 1e13.

  absl::Time begin_ = absl::InfinitePast();
};

}  // namespace foresight

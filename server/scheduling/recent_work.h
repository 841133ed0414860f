// Measures how much the lanes have worked lately, and for whom.
#pragma once

#include <cmath>

#include "absl/time/time.h"

namespace foresight {

// Core time in seconds, fading within a second: a lane that is always busy
// counts as 1.
//
// Not thread-safe. Reads no clock.
class RecentWork {
 public:
  // Counts `used` for the session that the address `session` identifies; null:
  // for no session in particular.
  void Count(const void* session, absl::Duration used, absl::Time now) {
    const double kept = Kept(now);
    all_ *= kept;
    lone_ = session == session_ && session != nullptr ? lone_ * kept : 0;
    session_ = session;
    at_ = now;
    all_ += absl::ToDoubleSeconds(used);
    if (session != nullptr) lone_ += absl::ToDoubleSeconds(used);
  }

  // All work except the latest session's since another session last worked.
  double OfOthers(absl::Time now) const { return (all_ - lone_) * Kept(now); }

 private:
  double Kept(absl::Time now) const {
    if (at_ == absl::InfinitePast()) return 1;
    return std::exp(-absl::ToDoubleSeconds(now - at_));
  }

  double all_ = 0;
  double lone_ = 0;  // The latest session's, as in OfOthers.
  const void* session_ = nullptr;
  absl::Time at_ = absl::InfinitePast();
};

}  // namespace foresight

#include "server/support/clock.h"

#include <chrono>

namespace foresight {

absl::Time MonotonicNow() {
  return absl::UnixEpoch() +
         absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace foresight

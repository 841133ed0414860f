// How long a client waits after a refusal.
#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace foresight {

// Zero if `status` is OK. A refused request of many bytes has cost time to
// receive, so its sender waits as if the bytes came at 10 MB/s: 0.1 s for 1
// MiB. Otherwise a client whose long requests are all refused could keep a core
// busy.
inline absl::Duration RefusalDelay(const absl::Status& status, size_t bytes) {
  constexpr size_t kMany = 64 << 10;
  constexpr double kBytesPerSecond = 10e6;
  if (status.ok() || bytes < kMany) return absl::ZeroDuration();
  return absl::Seconds(bytes / kBytesPerSecond);
}

}  // namespace foresight

// Options of one call.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "foresight/cancellation.h"

namespace foresight {

struct CallOptions {
  // For the call with all its retries; unset: the client's call_timeout.
  std::optional<absl::Duration> timeout;
  Cancellation* cancellation = nullptr;  // Null: cannot be cancelled.
};

}  // namespace foresight

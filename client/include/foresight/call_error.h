// Errors of calls. Every error of this library is an absl::Status with the
// server's code; these functions read the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "foresight/proto/adaptation.pb.h"

namespace foresight {

// The reason that the server gave. ERROR_REASON_UNSPECIFIED if the error did
// not come from the service itself (no connection, deadline passed), or if this
// library is older than the reason.
v1::ErrorReason ErrorReason(const absl::Status& status);

// The reason's name, such as "SESSION_UNKNOWN", even if this library is older
// than the reason; empty if the error has none.
std::string ErrorReasonName(const absl::Status& status);

// The time that the server asks to wait before trying again, if any.
std::optional<absl::Duration> RetryAfter(const absl::Status& status);

// The decision that the server expects, if a DECISION_SKIPPED names it.
std::optional<uint64_t> NextDecision(const absl::Status& status);

}  // namespace foresight

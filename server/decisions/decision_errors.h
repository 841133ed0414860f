// Errors that end a decision without an answer.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace foresight {

// DEADLINE_EXCEEDED: the deadline passed while the decision waited for
// `waited_for`.
absl::Status LateError(absl::string_view waited_for);

// The caller has gone: CANCELLED, or DEADLINE_EXCEEDED after `deadline`, since
// gRPC then cancels the call.
absl::Status GoneError(absl::Time deadline, absl::Time now);

// Translates an engine's failure for the client: InvalidArgument to
// OBSERVATION_INVALID, ResourceExhausted (the device's memory) to OVERLOADED,
// anything else to INTERNAL.
absl::Status EngineError(const absl::Status& failure);

}  // namespace foresight

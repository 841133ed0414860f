// Why a decision comes to nothing.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace foresight {

// DEADLINE_EXCEEDED, while the decision waited for what is named.
absl::Status LateError(absl::string_view waited_for);

// Whom the call belongs to has gone: CANCELLED, or DEADLINE_EXCEEDED after
// `deadline`, since gRPC cancels a call then, too.
absl::Status GoneError(absl::Time deadline, absl::Time now);

// What an engine's failure is to a client: OBSERVATION_INVALID for
// InvalidArgument, OVERLOADED for ResourceExhausted (the device's memory), else
// INTERNAL.
absl::Status EngineError(const absl::Status& failure);

}  // namespace foresight

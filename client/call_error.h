// Errors of calls. Every error of this library is an absl::Status with the
// server's code; its payloads hold the machine-readable rest.
#pragma once

#include <grpcpp/support/status.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// The reason documented in adaptation.proto, such as "SESSION_UNKNOWN"; empty
// if the error did not come from the service itself (no connection, deadline
// passed).
std::string ErrorReason(const absl::Status& status);

// The time that the server asks to wait before trying again, if any.
std::optional<absl::Duration> RetryAfter(const absl::Status& status);

// The decision that the server expects, where a DECISION_SKIPPED names it.
std::optional<uint64_t> NextDecision(const absl::Status& status);

absl::Status MakeError(absl::StatusCode code, absl::string_view message,
                       absl::string_view reason,
                       std::optional<absl::Duration> retry_after);

// Converts the status of a unary call. Reason and retry delay come from the
// ErrorInfo and RetryInfo of the google.rpc.Status in its binary details.
// Malformed details are ignored: code and message always arrive.
absl::Status FromCall(const grpc::Status& status);

// Converts an error that answers one request of a Control stream.
absl::Status FromAnswer(const v1::Error& error);

}  // namespace foresight

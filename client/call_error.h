// What a failed call says. Every error of this library is an absl::Status whose
// code is the server's; the machine-readable rest travels as its payloads.
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

// The capitals that adaptation.proto documents, such as "SESSION_UNKNOWN", or
// empty where the error did not come from the service itself (no connection,
// deadline passed).
std::string ErrorReason(const absl::Status& status);

// How long the server asks to wait before trying again, if it does.
std::optional<absl::Duration> RetryAfter(const absl::Status& status);

// The decision that the server expects, where a DECISION_SKIPPED names it.
std::optional<uint64_t> NextDecision(const absl::Status& status);

absl::Status MakeError(absl::StatusCode code, absl::string_view message,
                       absl::string_view reason,
                       std::optional<absl::Duration> retry_after);

// From how a unary call ended; reason and retry delay are the ErrorInfo and
// RetryInfo of the google.rpc.Status in its binary details. Details that do
// not parse are ignored: code and message always arrive.
absl::Status FromCall(const grpc::Status& status);

// From an error that answers one request of a Control stream.
absl::Status FromAnswer(const v1::Error& error);

}  // namespace foresight

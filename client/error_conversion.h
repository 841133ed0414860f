// Makes the errors that foresight/call_error.h reads.
#pragma once

#include <grpcpp/support/status.h>

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// The payloads of a status. Their values are text.
inline constexpr char kReasonUrl[] = "foresight/reason";
inline constexpr char kRetryAfterUrl[] = "foresight/retry_after";
inline constexpr char kNextDecisionUrl[] = "foresight/next_decision";

// `reason` is the name of a v1::ErrorReason, or empty.
absl::Status CallError(absl::StatusCode code, absl::string_view message,
                       absl::string_view reason,
                       std::optional<absl::Duration> retry_after);

// Replaces the message of `error` and keeps all that call_error.h reads.
absl::Status WithMessage(const absl::Status& error, absl::string_view message);

// Converts the status of a unary call. Reason and retry delay come from the
// ErrorInfo and RetryInfo of the google.rpc.Status in its binary details.
// Malformed details are ignored: code and message always arrive.
absl::Status FromCall(const grpc::Status& status);

// Converts an error that answers one request of a Control stream.
absl::Status FromAnswer(const v1::Error& error);

}  // namespace foresight

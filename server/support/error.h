// The errors of adaptation.proto and admin.proto as absl::Status: each reason
// has one code. The reason and the time to wait are payloads of the status, in
// the form that clients get them (google.rpc.ErrorInfo and RetryInfo, keyed by
// their type URLs).
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace foresight {

inline constexpr absl::string_view kErrorDomain = "foresight";
inline constexpr absl::string_view kErrorInfoUrl =
    "type.googleapis.com/google.rpc.ErrorInfo";
inline constexpr absl::string_view kRetryInfoUrl =
    "type.googleapis.com/google.rpc.RetryInfo";

enum class Reason {
  kModelUnknown,        // NotFound
  kBundleInvalid,       // InvalidArgument
  kModelsFull,          // ResourceExhausted
  kSettingsInvalid,     // InvalidArgument
  kObservationInvalid,  // InvalidArgument
  kSnapshotInvalid,     // InvalidArgument
  kSessionExists,       // AlreadyExists
  kSessionUnknown,      // NotFound
  kSessionsFull,        // ResourceExhausted
  kOverloaded,          // ResourceExhausted
  kDecisionSkipped,     // FailedPrecondition
  kDecisionChanged,     // FailedPrecondition
  kDecisionInFlight,    // Aborted
  kSessionMoved,        // Aborted
  kWeightsDiffer,       // FailedPrecondition
  kDraining,            // Unavailable
  kStoreUnavailable,    // Unavailable
  kDeadlineExceeded,    // DeadlineExceeded
  kCancelled,           // Cancelled
  kUnauthenticated,     // Unauthenticated
  kPermissionDenied,    // PermissionDenied
  kInternal,            // Internal
};

// `message` says what was wrong and what is expected.
absl::Status MakeError(Reason reason, absl::string_view message);

// A transient error: trying again after `retry_after` may succeed.
absl::Status MakeError(Reason reason, absl::string_view message,
                       absl::Duration retry_after);

// DRAINING: the server is shutting down.
absl::Status DrainingError();

// DECISION_SKIPPED, with the decision that is expected as `next_decision` in
// the metadata of its ErrorInfo.
absl::Status SkippedError(uint64_t index, uint64_t expected);

// The decision that a DECISION_SKIPPED names; none for other errors.
std::optional<uint64_t> ExpectedDecision(const absl::Status& status);

// The reason, such as "SESSION_UNKNOWN"; empty for a status that MakeError did
// not make.
std::string ReasonName(const absl::Status& status);

// The names of all reasons.
std::vector<absl::string_view> ReasonNames();

// The time to wait; none if the status was made without a time.
std::optional<absl::Duration> RetryDelay(const absl::Status& status);

}  // namespace foresight

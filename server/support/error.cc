#include "server/support/error.h"

#include <algorithm>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"

namespace foresight {
namespace {

struct ReasonRow {
  absl::StatusCode code;
  const char* name;
};

ReasonRow RowOf(Reason reason) {
  using Code = absl::StatusCode;
  switch (reason) {
    case Reason::kModelUnknown:
      return {Code::kNotFound, "MODEL_UNKNOWN"};
    case Reason::kBundleInvalid:
      return {Code::kInvalidArgument, "BUNDLE_INVALID"};
    case Reason::kModelsFull:
      return {Code::kResourceExhausted, "MODELS_FULL"};
    case Reason::kSettingsInvalid:
      return {Code::kInvalidArgument, "SETTINGS_INVALID"};
    case Reason::kObservationInvalid:
      return {Code::kInvalidArgument, "OBSERVATION_INVALID"};
    case Reason::kSnapshotInvalid:
      return {Code::kInvalidArgument, "SNAPSHOT_INVALID"};
    case Reason::kSessionExists:
      return {Code::kAlreadyExists, "SESSION_EXISTS"};
    case Reason::kSessionUnknown:
      return {Code::kNotFound, "SESSION_UNKNOWN"};
    case Reason::kSessionsFull:
      return {Code::kResourceExhausted, "SESSIONS_FULL"};
    case Reason::kOverloaded:
      return {Code::kResourceExhausted, "OVERLOADED"};
    case Reason::kDecisionSkipped:
      return {Code::kFailedPrecondition, "DECISION_SKIPPED"};
    case Reason::kDecisionChanged:
      return {Code::kFailedPrecondition, "DECISION_CHANGED"};
    case Reason::kDecisionInFlight:
      return {Code::kAborted, "DECISION_IN_FLIGHT"};
    case Reason::kSessionMoved:
      return {Code::kAborted, "SESSION_MOVED"};
    case Reason::kWeightsDiffer:
      return {Code::kFailedPrecondition, "WEIGHTS_DIFFER"};
    case Reason::kDraining:
      return {Code::kUnavailable, "DRAINING"};
    case Reason::kStoreUnavailable:
      return {Code::kUnavailable, "STORE_UNAVAILABLE"};
    case Reason::kDeadlineExceeded:
      return {Code::kDeadlineExceeded, "DEADLINE_EXCEEDED"};
    case Reason::kCancelled:
      return {Code::kCancelled, "CANCELLED"};
    case Reason::kUnauthenticated:
      return {Code::kUnauthenticated, "UNAUTHENTICATED"};
    case Reason::kPermissionDenied:
      return {Code::kPermissionDenied, "PERMISSION_DENIED"};
    case Reason::kInternal:
      break;
  }
  return {Code::kInternal, "INTERNAL"};
}

constexpr char kNextDecision[] = "next_decision";

std::optional<google::rpc::ErrorInfo> InfoOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kErrorInfoUrl);
  google::rpc::ErrorInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return info;
}

}  // namespace

absl::Status MakeError(Reason reason, absl::string_view message) {
  const ReasonRow row = RowOf(reason);
  google::rpc::ErrorInfo info;
  info.set_reason(row.name);
  info.set_domain(std::string(kErrorDomain));
  absl::Status status(row.code, message);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status MakeError(Reason reason, absl::string_view message,
                       absl::Duration retry_after) {
  const absl::Duration delay = std::max(retry_after, absl::ZeroDuration());
  absl::Duration rest;
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(
      absl::IDivDuration(delay, absl::Seconds(1), &rest));
  retry.mutable_retry_delay()->set_nanos(absl::ToInt64Nanoseconds(rest));
  absl::Status status = MakeError(reason, message);
  status.SetPayload(kRetryInfoUrl, absl::Cord(retry.SerializeAsString()));
  return status;
}

absl::Status DrainingError() {
  return MakeError(Reason::kDraining,
                   "the server is shutting down; use another server");
}

std::string ReasonName(const absl::Status& status) {
  const auto info = InfoOf(status);
  return info ? info->reason() : "";
}

absl::Status SkippedError(uint64_t index, uint64_t expected) {
  absl::Status status = MakeError(
      Reason::kDecisionSkipped,
      absl::StrCat("decision_index is ", index, ", expected ", expected));
  google::rpc::ErrorInfo info = *InfoOf(status);
  (*info.mutable_metadata())[kNextDecision] = absl::StrCat(expected);
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

std::optional<uint64_t> ExpectedDecision(const absl::Status& status) {
  const auto info = InfoOf(status);
  if (!info) return std::nullopt;
  const auto next = info->metadata().find(kNextDecision);
  uint64_t decision;
  if (next == info->metadata().end() ||
      !absl::SimpleAtoi(next->second, &decision)) {
    return std::nullopt;
  }
  return decision;
}

std::optional<absl::Duration> RetryDelay(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryInfoUrl);
  google::rpc::RetryInfo retry;
  if (!payload || !retry.ParseFromString(std::string(*payload))) {
    return std::nullopt;
  }
  return absl::Seconds(retry.retry_delay().seconds()) +
         absl::Nanoseconds(retry.retry_delay().nanos());
}

std::vector<absl::string_view> ReasonNames() {
  std::vector<absl::string_view> names;
  for (int i = 0; i <= static_cast<int>(Reason::kInternal); ++i) {
    names.push_back(RowOf(static_cast<Reason>(i)).name);
  }
  return names;
}

}  // namespace foresight

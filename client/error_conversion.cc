#include "client/error_conversion.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/durations.h"
#include "proto/error_details.pb.h"

namespace foresight {
namespace {

absl::Status WithNextDecision(absl::Status status,
                              const std::optional<std::string>& decision) {
  if (decision.has_value()) {
    status.SetPayload(kNextDecisionUrl, absl::Cord(*decision));
  }
  return status;
}

// absl and gRPC number codes alike; any other number becomes Unknown.
absl::StatusCode ToCode(int code) {
  return static_cast<absl::StatusCode>(code >= 1 && code <= 16 ? code : 2);
}

// Whether `detail` holds a google.rpc.`name`, which is parsed into `message`.
template <typename Message>
bool Unpack(const google::protobuf::Any& detail, absl::string_view name,
            Message* message) {
  return absl::EndsWith(detail.type_url(),
                        absl::StrCat("/google.rpc.", name)) &&
         message->ParseFromString(detail.value());
}

}  // namespace

absl::Status CallError(absl::StatusCode code, absl::string_view message,
                       absl::string_view reason,
                       std::optional<absl::Duration> retry_after) {
  absl::Status status(code, message);
  if (!reason.empty()) status.SetPayload(kReasonUrl, absl::Cord(reason));
  if (retry_after.has_value()) {
    status.SetPayload(kRetryAfterUrl,
                      absl::Cord(absl::FormatDuration(*retry_after)));
  }
  return status;
}

absl::Status WithMessage(const absl::Status& error, absl::string_view message) {
  absl::Status status(error.code(), message);
  for (const char* url : {kReasonUrl, kRetryAfterUrl, kNextDecisionUrl}) {
    const absl::optional<absl::Cord> payload = error.GetPayload(url);
    if (payload.has_value()) status.SetPayload(url, *payload);
  }
  return status;
}

absl::Status FromCall(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason;
  std::optional<absl::Duration> retry_after;
  std::optional<std::string> next_decision;
  details::Status parsed;
  if (parsed.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : parsed.details()) {
      details::ErrorInfo info;
      details::RetryInfo retry;
      if (Unpack(detail, "ErrorInfo", &info)) {
        reason = info.reason();
        const auto next = info.metadata().find("next_decision");
        if (next != info.metadata().end()) next_decision = next->second;
      } else if (Unpack(detail, "RetryInfo", &retry) &&
                 retry.has_retry_delay()) {
        retry_after = DurationOf(retry.retry_delay());
      }
    }
  }
  return WithNextDecision(
      CallError(ToCode(status.error_code()), status.error_message(), reason,
                retry_after),
      next_decision);
}

absl::Status FromAnswer(const v1::Error& error) {
  std::optional<absl::Duration> retry_after;
  if (error.has_retry_after()) retry_after = DurationOf(error.retry_after());
  std::optional<std::string> next_decision;
  if (error.has_next_decision()) {
    next_decision = absl::StrCat(error.next_decision());
  }
  return WithNextDecision(CallError(ToCode(error.code()), error.message(),
                                    error.reason(), retry_after),
                          next_decision);
}

}  // namespace foresight

#include "client/call_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace foresight {
namespace {

constexpr char kReasonUrl[] = "foresight/reason";
constexpr char kRetryAfterUrl[] = "foresight/retry_after";
constexpr char kNextDecisionUrl[] = "foresight/next_decision";

std::optional<std::string> Payload(const absl::Status& status,
                                   const char* url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

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

}  // namespace

std::string ErrorReason(const absl::Status& status) {
  return Payload(status, kReasonUrl).value_or("");
}

std::optional<absl::Duration> RetryAfter(const absl::Status& status) {
  const std::optional<std::string> payload = Payload(status, kRetryAfterUrl);
  absl::Duration delay;
  if (!payload.has_value() || !absl::ParseDuration(*payload, &delay)) {
    return std::nullopt;
  }
  return delay;
}

std::optional<uint64_t> NextDecision(const absl::Status& status) {
  const std::optional<std::string> payload = Payload(status, kNextDecisionUrl);
  uint64_t decision;
  if (!payload.has_value() || !absl::SimpleAtoi(*payload, &decision)) {
    return std::nullopt;
  }
  return decision;
}

absl::Status MakeError(absl::StatusCode code, absl::string_view message,
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

absl::Status FromCall(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason;
  std::optional<absl::Duration> retry_after;
  std::optional<std::string> next_decision;
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : details.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::RetryInfo retry;
      if (detail.UnpackTo(&info)) {
        reason = info.reason();
        const auto next = info.metadata().find("next_decision");
        if (next != info.metadata().end()) next_decision = next->second;
      } else if (detail.UnpackTo(&retry) && retry.has_retry_delay()) {
        retry_after = FromProto(retry.retry_delay());
      }
    }
  }
  return WithNextDecision(
      MakeError(ToCode(status.error_code()), status.error_message(), reason,
                retry_after),
      next_decision);
}

absl::Status FromAnswer(const v1::Error& error) {
  std::optional<absl::Duration> retry_after;
  if (error.has_retry_after()) retry_after = FromProto(error.retry_after());
  std::optional<std::string> next_decision;
  if (error.has_next_decision()) {
    next_decision = absl::StrCat(error.next_decision());
  }
  return WithNextDecision(MakeError(ToCode(error.code()), error.message(),
                                    error.reason(), retry_after),
                          next_decision);
}

}  // namespace foresight

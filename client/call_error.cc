#include "foresight/call_error.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "client/error_conversion.h"

namespace foresight {
namespace {

std::optional<std::string> Payload(const absl::Status& status,
                                   const char* url) {
  const absl::optional<absl::Cord> payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

v1::ErrorReason ErrorReason(const absl::Status& status) {
  v1::ErrorReason reason = v1::ERROR_REASON_UNSPECIFIED;
  v1::ErrorReason_Parse(ErrorReasonName(status), &reason);
  return reason;
}

std::string ErrorReasonName(const absl::Status& status) {
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

}  // namespace foresight

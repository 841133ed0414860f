#include "server/service/status_conversion.h"

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/status.pb.h"
#include "server/decisions/durations.h"
#include "server/support/error.h"

namespace foresight {

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(std::string(status.message()));
  status.ForEachPayload(
      [&](absl::string_view type_url, const absl::Cord& payload) {
        auto* detail = details.add_details();
        detail->set_type_url(std::string(type_url));
        detail->set_value(std::string(payload));
      });
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message()),
                      details.SerializeAsString());
}

v1::Error ToError(const absl::Status& status) {
  v1::Error error;
  error.set_code(static_cast<int>(status.code()));
  error.set_reason(ReasonName(status));
  error.set_message(std::string(status.message()));
  if (const auto retry_after = RetryDelay(status)) {
    *error.mutable_retry_after() = ToProto(*retry_after);
  }
  if (const auto next = ExpectedDecision(status)) {
    error.set_next_decision(*next);
  }
  return error;
}

}  // namespace foresight

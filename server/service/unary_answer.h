// How a unary call ends.
#pragma once

#include <utility>

#include "absl/status/statusor.h"
#include "grpcpp/support/server_callback.h"
#include "server/metrics/metrics.h"
#include "server/service/status_conversion.h"

namespace foresight {

// Counts the request and ends the call, with `result` in gRPC's `response`.
template <typename Message>
void AnswerUnary(Metrics& metrics, grpc::ServerUnaryReactor* reactor,
                 Method method, absl::StatusOr<Message> result,
                 Message* response) {
  metrics.CountRequest(method, result.status().code());
  if (result.ok()) *response = *std::move(result);
  reactor->Finish(ToGrpc(result.status()));
}

}  // namespace foresight

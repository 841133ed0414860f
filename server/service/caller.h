// The caller and the deadline of a call.
#pragma once

#include <chrono>
#include <string>

#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/decisions/durations.h"
#include "server/support/clock.h"

namespace foresight {

// The call's deadline by the monotonic clock.
inline absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  return DeadlineFromChrono(context.deadline(),
                            std::chrono::system_clock::now(), MonotonicNow());
}

// The owner that limits and shares count against: the call's connection.
inline std::string OwnerOf(const grpc::CallbackServerContext& context) {
  return context.peer();
}

}  // namespace foresight

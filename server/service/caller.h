// Who calls, and until when.
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

// Whom limits and shares count against: the connection that the call came on.
inline std::string OwnerOf(const grpc::CallbackServerContext& context) {
  return context.peer();
}

}  // namespace foresight

// Reads the caller and the deadline of a call.
#pragma once

#include <grpc/support/time.h>

#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/decisions/caller.h"
#include "server/support/clock.h"

namespace foresight {

// The time from now to `deadline`, which may use any of gRPC's clocks; infinite
// for gRPC's largest time.
inline absl::Duration TimeLeft(gpr_timespec deadline) {
  const gpr_timespec left = gpr_convert_clock_type(deadline, GPR_TIMESPAN);
  return gpr_time_cmp(left, gpr_inf_future(GPR_TIMESPAN)) == 0
             ? absl::InfiniteDuration()
             : absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

// The call's deadline by our monotonic clock. gRPC keeps it by its own
// monotonic clock; deadline() would convert it to wall-clock time.
inline absl::Time DeadlineOf(const grpc::CallbackServerContext& context) {
  return MonotonicNow() + TimeLeft(context.raw_deadline());
}

// Errors: ResourceExhausted: the request is longer than `most` bytes.
inline absl::Status CheckMessageSize(size_t bytes, size_t most) {
  if (bytes <= most) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(
      "the request has ", bytes, " bytes, expected at most ", most));
}

// Identifies the sender of a call. Errors: UNAUTHENTICATED, PERMISSION_DENIED.
using IdentifyCaller =
    std::function<absl::StatusOr<Caller>(const grpc::CallbackServerContext&)>;

}  // namespace foresight

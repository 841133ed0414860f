// absl::Duration and absl::Time against what the wire and gRPC have.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"

namespace foresight {

// Clamped to what the message can hold (about 10,000 years).
google::protobuf::Duration ToProto(absl::Duration duration);

// Errors: SETTINGS_INVALID, naming `field`: no valid Duration (more than
// 10,000 years, or nanoseconds of a billion or more or of the other sign).
absl::StatusOr<absl::Duration> FromProto(
    absl::string_view field, const google::protobuf::Duration& duration);

// A call's deadline by the monotonic clock, converted once at its arrival: then
// the wall clock may jump. gRPC's greatest time is no deadline.
absl::Time DeadlineFromChrono(std::chrono::system_clock::time_point deadline,
                              std::chrono::system_clock::time_point wall_now,
                              absl::Time now);

}  // namespace foresight

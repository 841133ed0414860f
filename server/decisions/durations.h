// absl::Duration against what the wire has.
#pragma once

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

}  // namespace foresight

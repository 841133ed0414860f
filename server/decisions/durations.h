// Converts between absl::Duration and protobuf's Duration.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"

namespace foresight {

// Clamps to the message's range (about 10,000 years).
google::protobuf::Duration ToProto(absl::Duration duration);

// Errors: SETTINGS_INVALID, naming `field`: not a valid Duration (more than
// 10,000 years, nanoseconds of a billion or more, or fields with different
// signs).
absl::StatusOr<absl::Duration> FromProto(
    absl::string_view field, const google::protobuf::Duration& duration);

}  // namespace foresight

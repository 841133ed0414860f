// Durations as messages carry them.
#pragma once

#include <google/protobuf/duration.pb.h>

#include "absl/time/time.h"

namespace foresight {

inline google::protobuf::Duration MessageOf(absl::Duration duration) {
  absl::Duration rest;
  google::protobuf::Duration message;
  message.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &rest));
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
  return message;
}

inline absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) +
         absl::Nanoseconds(duration.nanos());
}

}  // namespace foresight

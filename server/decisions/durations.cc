#include "server/decisions/durations.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {
namespace {

constexpr int64_t kMaxSeconds = 315'576'000'000;  // google.protobuf.Duration
constexpr int32_t kMaxNanos = 999'999'999;

}  // namespace

google::protobuf::Duration ToProto(absl::Duration duration) {
  absl::Duration rest = std::clamp(duration, -absl::Seconds(kMaxSeconds),
                                   absl::Seconds(kMaxSeconds));
  google::protobuf::Duration proto;
  proto.set_seconds(absl::IDivDuration(rest, absl::Seconds(1), &rest));
  proto.set_nanos(absl::IDivDuration(rest, absl::Nanoseconds(1), &rest));
  return proto;
}

absl::StatusOr<absl::Duration> FromProto(
    absl::string_view field, const google::protobuf::Duration& duration) {
  const int64_t seconds = duration.seconds();
  const int32_t nanos = duration.nanos();
  const bool in_range = seconds >= -kMaxSeconds && seconds <= kMaxSeconds &&
                        nanos >= -kMaxNanos && nanos <= kMaxNanos;
  const bool same_sign =
      (seconds >= 0 || nanos <= 0) && (seconds <= 0 || nanos >= 0);
  if (!in_range || !same_sign) {
    return MakeError(
        Reason::kSettingsInvalid,
        absl::StrCat(field, " has seconds ", seconds, " and nanos ", nanos,
                     ", expected a valid google.protobuf.Duration"));
  }
  return absl::Seconds(seconds) + absl::Nanoseconds(nanos);
}

}  // namespace foresight

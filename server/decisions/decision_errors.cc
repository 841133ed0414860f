#include "server/decisions/decision_errors.h"

#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {

absl::Status LateError(absl::string_view waited_for) {
  return MakeError(Reason::kDeadlineExceeded,
                   absl::StrCat("the deadline passed while the decision waited "
                                "for ",
                                waited_for));
}

absl::Status GoneError(absl::Time deadline, absl::Time now) {
  return now < deadline
             ? MakeError(Reason::kCancelled, "the client cancelled the call")
             : MakeError(Reason::kDeadlineExceeded,
                         "the deadline passed before the decision finished");
}

absl::Status EngineError(const absl::Status& failure) {
  if (absl::IsInvalidArgument(failure)) {
    return MakeError(Reason::kObservationInvalid, failure.message());
  }
  if (absl::IsResourceExhausted(failure)) {
    return MakeError(Reason::kOverloaded, failure.message(), absl::Seconds(1));
  }
  return MakeError(Reason::kInternal, failure.message());
}

}  // namespace foresight

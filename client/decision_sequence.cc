#include "client/decision_sequence.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

// Whether only the caller or the operator can remove the error.
bool Lasts(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

}  // namespace

void DecisionSequence::Restart(const v1::Session& session) {
  next_ = session.next_decision();
  epoch_ = std::max<uint64_t>(epoch_, session.epoch());
  lost_ = false;
  aligning_ = false;
}

std::optional<uint64_t> DecisionSequence::next_index() const {
  if (aligning_) return std::nullopt;
  return next_;
}

DecisionSequence::Answer DecisionSequence::RefuseStale(Answer answer) {
  if (!answer.ok() || answer->epoch() >= epoch_) return answer;
  ++stale_answers_;
  return absl::UnavailableError(
      absl::StrCat("the answer is of epoch ", answer->epoch(),
                   " of the session, which is in epoch ", epoch_));
}

DecisionSequence::Next DecisionSequence::Take(const Answer& answer) {
  if (answer.ok()) {
    next_ = answer->decision_index() + 1;
    epoch_ = std::max<uint64_t>(epoch_, answer->epoch());
    lost_ = false;
    aligning_ = false;
    return Next::kDone;
  }
  const v1::ErrorReason reason = ErrorReason(answer.status());
  if (reason == v1::DECISION_CHANGED && lost_ && !aligning_) {
    ++next_;
    lost_ = false;
    return Next::kAgain;
  }
  const std::optional<uint64_t> expected = NextDecision(answer.status());
  if (reason == v1::DECISION_SKIPPED && expected.has_value() &&
      *expected < next_) {
    lost_decisions_ += static_cast<int64_t>(next_ - *expected);
    next_ = *expected;
    lost_ = false;
    aligning_ = false;
    return Next::kAgain;
  }
  if ((reason == v1::DECISION_SKIPPED || reason == v1::DECISION_CHANGED) &&
      !aligning_) {
    return Next::kAlign;
  }
  lost_ = true;
  return Lasts(answer.status()) ? Next::kFail : Next::kLater;
}

}  // namespace foresight

#include "client/late_actions.h"

#include <algorithm>
#include <utility>

namespace foresight {

LateActions::LateActions(LatePolicy policy, std::vector<float> initial_action,
                         LateCallback callback)
    : policy_(policy),
      initial_action_(std::move(initial_action)),
      callback_(std::move(callback)),
      last_(initial_action_) {}

void LateActions::TakeAnswer(const v1::ActResponse& answer, int64_t step) {
  answered_ = true;
  plan_.clear();
  for (const v1::Action& action : answer.plan()) {
    plan_.emplace_back(action.values().begin(), action.values().end());
  }
  plan_begin_ = step + 1;
}

void LateActions::Restart() {
  last_ = initial_action_;
  answered_ = false;
  plan_.clear();
}

LateActions::Choice LateActions::Choose(int64_t step,
                                        absl::Span<const float> observation,
                                        absl::Duration late) const {
  if (!answered_) return {last_, ActionSource::kInitial};
  if (policy_ == LatePolicy::kFollowPlan && !plan_.empty()) {
    const int64_t last = static_cast<int64_t>(plan_.size()) - 1;
    const int64_t i = std::clamp<int64_t>(step - plan_begin_, 0, last);
    if (plan_[i].size() == last_.size()) return {plan_[i], ActionSource::kPlan};
  }
  if (policy_ == LatePolicy::kCallback) {
    std::vector<float> action = callback_(observation, late);
    if (action.size() == last_.size()) {
      return {std::move(action), ActionSource::kCallback};
    }
  }
  return {last_, ActionSource::kHeld};
}

}  // namespace foresight

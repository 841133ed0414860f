#include "server/adaptation/trials.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foresight {

void Trials::Begin(absl::Span<Problem* const> problems,
                   WorkingPolicies& policies) {
  problems_ = problems;
  policies_ = &policies;
  action_size_ = policies.action_size();
  trials_.assign(problems.size(), Trial());
  for (std::vector<float>* actions : {&frozen_action, &start_action, &action}) {
    actions->assign(problems.size() * action_size_, 0);
  }
  factor.assign(problems.size(), 0);
  drift.assign(problems.size(), 0);
  before.assign(problems.size(), {});
  after.assign(problems.size(), {});
}

void Trials::Fail(int i, absl::Status status) {
  problems_[i]->decision_or = std::move(status);
  trials_[i].alive = false;
}

void Trials::FailCancelled(const StopSignals& stop) {
  for (int i = 0; i < size(); ++i) {
    if (trials_[i].alive && stop.Cancelled(i)) {
      Fail(i, absl::CancelledError("the decision was cancelled"));
    }
  }
}

void Trials::KnowActions(absl::Span<const int> which) {
  unknown_.clear();
  for (const int i : which) {
    if (!std::exchange(trials_[i].action_known, true)) unknown_.push_back(i);
  }
  if (unknown_.empty()) return;
  policies_->Act(unknown_, Psi::kWorking, absl::MakeSpan(action));
}

void Trials::KnowDrift(absl::Span<const int> which) {
  unknown_.clear();
  for (const int i : which) {
    if (!std::exchange(trials_[i].drift_known, true)) unknown_.push_back(i);
  }
  if (!unknown_.empty()) policies_->Drift(unknown_, absl::MakeSpan(drift));
}

void Trials::Pull(absl::Span<const int> which, Psi anchor) {
  if (which.empty()) return;
  policies_->Pull(which, anchor, factor);
  for (const int i : which) {
    trials_[i].action_known = trials_[i].drift_known = false;
  }
}

void Trials::Undo(absl::Span<const int> which) {
  for (const int i : which) {
    factor[i] = 0;
    trials_[i].changed = false;
  }
  Pull(which, Psi::kStart);
}

bool Trials::ActionIsFinite(absl::Span<const float> actions, int i) const {
  const absl::Span<const float> row =
      actions.subspan(size_t(i) * action_size_, action_size_);
  return std::all_of(row.begin(), row.end(),
                     [](float x) { return std::isfinite(x); });
}

float Trials::ActionDistance(absl::Span<const float> from, int i) const {
  float largest = 0;
  for (int j = i * action_size_; j < (i + 1) * action_size_; ++j) {
    const float distance = std::abs(action[j] - from[j]);
    if (std::isnan(distance)) return distance;
    largest = std::max(largest, distance);
  }
  return largest;
}

}  // namespace foresight

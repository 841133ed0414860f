#include "server/adaptation/trials.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foresight {

int Trials::Add(Problem* problem) {
  const auto free = std::find(problems_.begin(), problems_.end(), nullptr);
  const int i = static_cast<int>(free - problems_.begin());
  if (free == problems_.end()) {
    const size_t size = i + 1, floats = size * policies_.action_size();
    for (auto* actions :
         {&frozen_action, &start_action, &action, &output_before, &output}) {
      actions->resize(floats);
    }
    for (auto* values : {&factor, &drift}) values->resize(size);
    for (auto* evaluations : {&before, &after}) evaluations->resize(size);
    for (auto* places : {&list, &failed, &stepping, &focus_, &unknown_}) {
      places->reserve(size);
    }
    trials_.resize(size);
    saved_.resize(size);
    problems_.push_back(nullptr);
  }
  trials_[i] = Trial();
  problems_[i] = problem;
  return i;
}

int Trials::Find(const Problem& problem) const {
  const auto found = std::find(problems_.begin(), problems_.end(), &problem);
  if (found == problems_.end()) return -1;
  return static_cast<int>(found - problems_.begin());
}

bool Trials::empty() const {
  return std::all_of(problems_.begin(), problems_.end(),
                     [](const Problem* problem) { return problem == nullptr; });
}

void Trials::Focus(absl::Span<const int> which) {
  focus_.assign(which.begin(), which.end());
}

void Trials::Save() {
  for (const int i : focus_) saved_[i] = trials_[i];
}

// A failed attempt may have left numbers about a policy that is gone.
void Trials::Restore() noexcept {
  for (const int i : focus_) {
    trials_[i] = saved_[i];
    trials_[i].action_known = trials_[i].drift_known = false;
  }
}

void Trials::Fail(int i, absl::Status status) {
  problems_[i]->decision_or = std::move(status);
  trials_[i].alive = false;
}

void Trials::FailCancelled(const StopSignals& stop) {
  for (const int i : focus_) {
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
  policies_.Act(unknown_, Psi::kWorking, absl::MakeSpan(action));
}

void Trials::KnowDrift(absl::Span<const int> which) {
  unknown_.clear();
  for (const int i : which) {
    if (!std::exchange(trials_[i].drift_known, true)) unknown_.push_back(i);
  }
  if (!unknown_.empty()) policies_.Drift(unknown_, absl::MakeSpan(drift));
}

void Trials::Pull(absl::Span<const int> which, Psi anchor) {
  if (which.empty()) return;
  policies_.Pull(which, anchor, factor);
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
  const size_t size = policies_.action_size();
  const absl::Span<const float> row = actions.subspan(i * size, size);
  return std::all_of(row.begin(), row.end(),
                     [](float x) { return std::isfinite(x); });
}

float Trials::Distance(absl::Span<const float> a, absl::Span<const float> b,
                       int i) const {
  const int size = policies_.action_size();
  float largest = 0;
  for (int j = i * size; j < (i + 1) * size; ++j) {
    const float distance = std::abs(a[j] - b[j]);
    if (std::isnan(distance)) return distance;
    largest = std::max(largest, distance);
  }
  return largest;
}

}  // namespace foresight

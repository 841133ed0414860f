// The decisions of one call while they are being made.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// What has become of one problem so far.
struct Trial {
  bool alive = true;     // False: its decision_or holds an error.
  bool stepping = true;  // Wants another step.
  bool changed = false;  // The working policy may differ from psi_start.
  bool action_known = false;
  bool drift_known = false;
  bool non_finite = false;
  bool rejected = false;
  bool truncated = false;
  bool limited = false;
  absl::Duration last_step = absl::ZeroDuration();
  Report report;
};

// The trials of a call with the numbers measured on them, and what the decision
// loop and the guards do with them. Kept between calls for its memory.
//
// Not thread-safe.
class Trials {
 public:
  using Psi = WorkingPolicies::Psi;
  using Evaluation = WorkingPolicies::Evaluation;

  // Forgets what was; both outlive the call.
  void Begin(absl::Span<Problem* const> problems, WorkingPolicies& policies);

  int size() const { return static_cast<int>(trials_.size()); }  // P
  Trial& operator[](int i) { return trials_[i]; }
  const Trial& operator[](int i) const { return trials_[i]; }
  Problem& problem(int i) { return *problems_[i]; }
  const AdaptationSettings& settings(int i) const {
    return problems_[i]->settings;
  }
  WorkingPolicies& policies() { return *policies_; }

  // Fills `chosen` with the living problems for which predicate(i, trial)
  // holds; whether there are any.
  template <typename Predicate>
  bool Select(std::vector<int>& chosen, Predicate predicate) {
    chosen.clear();
    for (int i = 0; i < size(); ++i) {
      if (trials_[i].alive && predicate(i, trials_[i])) chosen.push_back(i);
    }
    return !chosen.empty();
  }

  void Fail(int i, absl::Status status);
  void FailCancelled(const StopSignals& stop);

  // These two compute what is not known yet.
  void KnowActions(absl::Span<const int> which);
  void KnowDrift(absl::Span<const int> which);
  // By factor[i]; of what is pulled action and drift are no longer known.
  void Pull(absl::Span<const int> which, Psi anchor);
  // Back to psi_start.
  void Undo(absl::Span<const int> which);

  bool ActionIsFinite(absl::Span<const float> actions, int i) const;
  // Largest component of |action - from|; not a number where one is not.
  float ActionDistance(absl::Span<const float> from, int i) const;

  // Rows and elements of living problems, valid once computed.
  std::vector<float> frozen_action, start_action;  // [P, A]
  std::vector<float> action;                       // [P, A], of working.
  std::vector<double> factor, drift;               // [P]
  std::vector<Evaluation> before, after;           // [P]
  std::vector<int> list, failed;  // For whatever phase is running.

 private:
  absl::Span<Problem* const> problems_;
  WorkingPolicies* policies_ = nullptr;
  int action_size_ = 0;  // A
  std::vector<Trial> trials_;
  std::vector<int> unknown_;
};

}  // namespace foresight

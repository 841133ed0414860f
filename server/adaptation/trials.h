// The decisions of a batch while they are being made.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// The progress of one problem.
struct Trial {
  bool alive = true;     // False: its decision_or holds an error.
  bool stepping = true;  // Wants another step.
  bool changed = false;  // The working policy may differ from psi_start.
  bool action_known = false;
  bool drift_known = false;
  bool non_finite = false;
  bool rejected = false;
  bool limited = false;
  bool step_done = false;  // The last Step ran to its end.
  Report report;
};

// The trials of a batch by their place, with the numbers measured on them and
// the operations that steps and guards need. Every phase works on the trials in
// focus and leaves the others alone.
//
// Not thread-safe.
class Trials {
 public:
  using Psi = WorkingPolicies::Psi;
  using Evaluation = WorkingPolicies::Evaluation;

  // `policies` outlives this.
  explicit Trials(WorkingPolicies& policies) : policies_(policies) {}

  // Gives `problem` the first free place and returns it. Allocates the lists
  // and rows that any phase needs. If it throws, nothing is added.
  int Add(Problem* problem);
  void Remove(int i) noexcept { problems_[i] = nullptr; }
  // Returns -1 if `problem` has no place.
  int Find(const Problem& problem) const;
  bool empty() const;

  // Sets the trials that the following phases are about: ascending, none twice.
  void Focus(absl::Span<const int> which);
  // Save remembers the state of the trials in focus; Restore goes back to it.
  void Save();
  void Restore() noexcept;

  Trial& operator[](int i) { return trials_[i]; }
  const Trial& operator[](int i) const { return trials_[i]; }
  Problem& problem(int i) { return *problems_[i]; }
  const AdaptationSettings& settings(int i) const {
    return problems_[i]->settings;
  }
  absl::Span<Problem* const> problems() const { return problems_; }  // [P]
  WorkingPolicies& policies() { return policies_; }

  // Fills `chosen` with the living trials in focus for which predicate(i,
  // trial) holds; returns whether there are any.
  template <typename Predicate>
  bool Select(std::vector<int>& chosen, Predicate predicate) {
    chosen.clear();
    for (const int i : focus_) {
      if (trials_[i].alive && predicate(i, trials_[i])) chosen.push_back(i);
    }
    return !chosen.empty();
  }

  void Fail(int i, absl::Status status);
  void FailCancelled(const StopSignals& stop);

  // These two compute the actions or drifts that are not known yet.
  void KnowActions(absl::Span<const int> which);
  void KnowDrift(absl::Span<const int> which);
  // Pulls towards `anchor` by factor[i]; invalidates the cached action and
  // drift.
  void Pull(absl::Span<const int> which, Psi anchor);
  // Back to psi_start.
  void Undo(absl::Span<const int> which);

  bool ActionIsFinite(absl::Span<const float> actions, int i) const;
  // The largest component of |action - from|; NaN if one is NaN.
  float ActionDistance(absl::Span<const float> from, int i) const {
    return Distance(action, from, i);
  }
  // As ActionDistance, for |output - output_before|.
  float OutputChange(int i) const { return Distance(output, output_before, i); }

  // Rows and elements for living problems, valid once computed.
  std::vector<float> frozen_action, start_action;  // [P, A]
  std::vector<float> action;  // [P, A], of the working policy.
  // The policy's output before tanh, for action_step.h. [P, A]
  std::vector<float> output_before, output;
  std::vector<double> factor, drift;      // [P]
  std::vector<Evaluation> before, after;  // [P]
  std::vector<int> list, failed;          // For the running phase.
  std::vector<int> stepping;              // For action_step.h.

 private:
  float Distance(absl::Span<const float> a, absl::Span<const float> b,
                 int i) const;

  WorkingPolicies& policies_;
  std::vector<Problem*> problems_;     // [P]; null: the place is free.
  std::vector<Trial> trials_, saved_;  // [P]
  std::vector<int> focus_, unknown_;
};

}  // namespace foresight

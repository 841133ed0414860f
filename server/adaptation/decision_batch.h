// One decision from its beginning to its report: steps, guards and outcome
// (docs/method.md sections 1 and 5), the same for every engine.
#pragma once

#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/trials.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// The problems of a call go through each phase together, so that an engine can
// compute them side by side. One problem's result never depends on another's.
//
//   admit   Computes the frozen action.
//   step    Refuses a step that is not finite and drops one that the deadline
//           cuts. In both cases the problem wants no further step.
//   retire  Applies the guards if a step was done; computes objective_after and
//           the plan, as far as time allows and values are finite; then
//           commits without exceptions. Until then the session's policy does
//           not change.
//
// If fewer steps were done than the settings ask for and none was refused, the
// outcome is kTruncated, or kFrozen if none was done.
//
// Not thread-safe. Once warm, and with no more problems at once than before, it
// allocates nothing but room for the action in answers that have none.
class DecisionBatch : public Batch {
 public:
  // `clock` outlives this.
  DecisionBatch(std::unique_ptr<WorkingPolicies> policies, const Clock& clock);

  bool Admit(Problem* problem) override;
  bool WantsStep(const Problem& problem) const override;
  void Step(absl::Span<Problem* const> which) override;
  void Retire(absl::Span<Problem* const> which) override;
  size_t scratch_bytes() const override { return policies_->scratch_bytes(); }

 private:
  // Fills places_.
  void FindPlaces(absl::Span<Problem* const> which);
  // Runs `phase` on places_. If it throws, runs it on each place alone and
  // fails only those for which it throws again.
  void Together(absl::FunctionRef<void()> phase);

  absl::Status ActFrozen(int i);
  void TakeStep(const StopSignals& stop);
  void SelectDifferentiated();
  void Ascend();
  void Decide(const StopSignals& stop);
  void ChooseActions();
  void EvaluateAfter(const StopSignals& stop);
  void ImaginePlans(const StopSignals& stop);
  void Finish();

  const std::unique_ptr<WorkingPolicies> policies_;
  const Clock& clock_;
  Trials trials_;
  std::vector<int> places_;  // The places of the call's problems.
};

}  // namespace foresight

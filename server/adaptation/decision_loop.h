// One decision from its beginning to its report: steps, deadline, guards and
// outcome (method.md sections 1 and 5), the same for every engine.
#pragma once

#include <utility>

#include "absl/types/span.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/trials.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// The problems of a call go through each phase together, so that an engine can
// compute them side by side; what becomes of one never depends on another.
//
//   steps   until settings.steps are done, one is refused as not finite, or the
//           deadline has come. A step that the deadline cuts is dropped whole.
//           With the accept guard on, the steps leave it time: another one is
//           begun only while twice as long as the last one took is left.
//   guards  as in guards.h, where a step was done.
//   report  objective_after is left out when there is no time for it, or it is
//           not finite.
//   commit  the last of all: until then the session's policy is as it was.
//
// A decision for which no step was done for want of time is kFrozen; kTruncated
// says that some were.
//
// Not thread-safe. Reusable: once warm, a call of no more problems than before
// allocates nothing, but for answers that bring no room for their action.
class DecisionLoop {
 public:
  explicit DecisionLoop(Clock clock = MonotonicNow)
      : clock_(std::move(clock)) {}

  // Fills every problem's decision_or as engine.h says. `policies` are those of
  // `problems`, in their order, each working policy equal to its psi_start.
  void Run(absl::Span<Problem* const> problems, WorkingPolicies& policies);

  // The same in parts, for a Batch: Begin, then TakeSteps as often as problems
  // want, then End. Both arguments must live until then.
  void Begin(absl::Span<Problem* const> problems, WorkingPolicies& policies);
  // Whether problem `i` has steps left and none was refused or cut.
  bool WantsStep(int i) const;
  // One step of each problem that wants one.
  void TakeSteps();
  // Of a problem that wanted more steps the outcome is kTruncated.
  void End();

 private:
  void ActFrozen();
  bool SelectStepping();
  void TakeStep(const StopSignals& stop);
  void SelectDifferentiated();
  void Ascend();
  void ChooseActions();
  void EvaluateAfter(const StopSignals& stop);
  void Finish();

  const Clock clock_;
  absl::Span<Problem* const> problems_;
  Trials trials_;
};

}  // namespace foresight

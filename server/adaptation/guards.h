// The guards that judge a decision's whole update after its last step: items 3
// to 5 of docs/method.md section 5, in that order. Items 1 and 2 belong to each
// step: decision_batch.cc.
#pragma once

#include "server/adaptation/trials.h"
#include "server/adaptation/working_policies.h"

namespace foresight {

// Projects psi onto the ball |psi - psi_0|_2 <= max_drift; Limited if that
// moved psi.
void LimitDrift(Trials& trials);

// Halves the update up to ten times (Limited) while its action is further than
// max_action_change from psi_start's; undoes it if that fails (Rejected).
void LimitActionChange(Trials& trials);

// Undoes an update (Rejected) if the objective with the second noise bank fell
// or is not finite, or if there is no time to judge it.
void JudgeImprovement(Trials& trials, const StopSignals& stop);

}  // namespace foresight

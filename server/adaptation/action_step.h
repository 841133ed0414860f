// The step rule of the setting action_step: the size of a gradient step comes
// from how much it changes the action, not from the size of the gradient.
#pragma once

#include "server/adaptation/trials.h"

namespace foresight {

// With action_step delta > 0 each of a decision's E steps goes along g so far
// that it changes u, the policy's output before its tanh at s_t, by delta / E
// in the component that changes most; to first order in the step. tanh is flat
// where an action is near its bounds, so that the action itself changes less.
// step_size and max_gradient_norm have no effect then.
//
// How u depends on the step is measured by a short step along g. The measured
// step is then lengthened or shortened, to at most 0.003 in |psi' - psi|_2.
// Unlike a step size, delta means the same whatever the scale of the rewards.

// The length of the step that measures, as a factor of g.
double MeasuringScale(double gradient_norm);

// Before Ascend: remembers u of the trials of the list that step so.
void BeginActionSteps(Trials& trials);

// After Ascend by MeasuringScale: makes their steps as long as they have to be.
void FinishActionSteps(Trials& trials);

}  // namespace foresight

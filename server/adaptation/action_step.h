// The step rule of the setting action_step: the wanted change of the action,
// not the size of the gradient, decides how long a gradient step is.
#pragma once

#include "server/adaptation/trials.h"

namespace foresight {

// With action_step delta > 0, each of a decision's E steps goes along g just
// far enough to change u by delta / E in the component that changes most, to
// first order. u is the policy's output at s_t before tanh, so the action
// itself changes less near its bounds. With delta > 0, step_size and
// max_gradient_norm have no effect.
//
// A short step along g measures how u depends on the step. It is then
// lengthened or shortened, to at most 0.003 in |psi' - psi|_2. Unlike a step
// size, delta does not depend on the scale of the rewards.

// The factor that turns g into the measuring step.
double MeasuringScale(double gradient_norm);

// Call before Ascend: remembers u for the listed trials with an action_step.
void BeginActionSteps(Trials& trials);

// Call after an Ascend by MeasuringScale; corrects the length of its steps.
void FinishActionSteps(Trials& trials);

}  // namespace foresight

// The action of a control loop in a step whose answer is late.
#pragma once

#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace foresight {

enum class LatePolicy {
  kHoldLast,    // Repeats the last action.
  kFollowPlan,  // Takes the newest plan's action for this step.
  kCallback,    // Asks the caller's function.
};

enum class ActionSource {
  kAnswer,    // The server's answer for this step's observation.
  kInitial,   // No answer has come yet.
  kHeld,      // The last action again.
  kPlan,      // An earlier answer's plan.
  kCallback,  // The caller's function.
};

// Returns the action [A] for `observation` [S] in a step without an answer.
// `late` is the time since the first step of this run of unanswered steps
// began. If the action has another size, the last action is held instead.
using LateCallback = std::function<std::vector<float>(
    absl::Span<const float> observation, absl::Duration late)>;

}  // namespace foresight

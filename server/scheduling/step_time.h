// What an adaptation step takes, learnt from decisions as they are made.
#pragma once

#include "absl/time/time.h"

namespace foresight {

// The estimate after a decision that took `adapt_time` in all, `frozen_time` of
// it for what is not a step. `known` is the estimate so far; zero: none yet.
// A decision that did no step makes the estimate smaller: perhaps none was
// tried because steps were taken for too slow.
absl::Duration LearnStepTime(absl::Duration known, int steps_requested,
                             int steps_done, absl::Duration adapt_time,
                             absl::Duration frozen_time);

}  // namespace foresight

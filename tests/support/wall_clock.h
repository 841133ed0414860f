// Lets a test set this process's wall clock as an administrator or a time
// server would.
#pragma once

#include "absl/time/time.h"

namespace foresight {

// A program that links this sees the machine's wall clock plus all jumps:
// clock_gettime, gettimeofday and time are replaced, and so are absl's timed
// waits, which the kernel ends by the wall clock. Waits in progress notice a
// jump within some milliseconds. Other clocks do not change.
//
// Thread-safe.
void JumpWallClock(absl::Duration by);

}  // namespace foresight

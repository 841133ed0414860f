// The wall clock of this process, which a test may set as an administrator or a
// time server would.
#pragma once

#include "absl/time/time.h"

namespace foresight {

// Whoever links this sees a wall clock that is the machine's plus all jumps:
// clock_gettime, gettimeofday and time are replaced, and so are the timed waits
// of absl, which the kernel ends by the wall clock. Waits in progress notice a
// jump within some milliseconds. Other clocks are as they were.
//
// Thread-safe.
void JumpWallClock(absl::Duration by);

}  // namespace foresight

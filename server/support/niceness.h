// How readily threads give way to others.
#pragma once

#include "absl/time/time.h"

namespace foresight {

// Adds `nice` to the niceness of this thread alone, as Linux allows, up to a
// total of 19. Does nothing where the system refuses.
void AddNiceness(int nice);

// Asks the system to let this thread, and those that it starts later, run for
// `slice` at a time; 0.1 to 100 ms, or zero for the system's own choice. A
// thread that wakes up preempts another with a longer slice at once instead of
// some 3 ms later. Needs Linux 6.12 and the default policy, SCHED_OTHER; does
// nothing elsewhere.
void RequestSlice(absl::Duration slice);

}  // namespace foresight

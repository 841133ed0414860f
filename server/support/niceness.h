// How readily threads give way to others.
#pragma once

namespace foresight {

// Adds `nice` to this thread's niceness alone, as Linux allows; at most 19
// results. Does nothing where the system refuses.
void AddNiceness(int nice);

}  // namespace foresight

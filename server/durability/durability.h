// How much of a session a crash may lose.
#pragma once

namespace foresight {

// The time by which a change must be on the medium.
enum class Durability {
  kNone,      // At the server's orderly end.
  kInterval,  // Within the interval.
  kEach,      // Before the call that caused it is answered.
};

}  // namespace foresight

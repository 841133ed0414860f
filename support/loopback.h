// Tells addresses that only this machine can reach from all others.
#pragma once

#include "absl/strings/string_view.h"

namespace foresight {

// Returns whether the host of "HOST:PORT" stands for loopback addresses only;
// false for a name that cannot be resolved and for text that is not HOST:PORT.
// It looks names up, which may take seconds.
bool IsLoopback(absl::string_view address);

}  // namespace foresight

// Tells addresses that only this machine can reach from all others.
#pragma once

#include "absl/strings/string_view.h"

namespace foresight {

// Whether every address that the host of "HOST:PORT" stands for is a loopback
// address. False for a name that cannot be resolved and for anything that is
// not HOST:PORT. A name is looked up, which may take seconds.
bool IsLoopback(absl::string_view address);

}  // namespace foresight

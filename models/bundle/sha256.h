// SHA-256 of weights. Manifests and snapshots of sessions are bound to it.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace foresight {

// 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace foresight

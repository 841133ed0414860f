// SHA-256 of weights: what a manifest and a session's snapshot are bound to.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace foresight {

// 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace foresight

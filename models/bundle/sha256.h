// SHA-256 of weights, which ties manifests and session snapshots to them.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace foresight {

// 64 lower-case hex digits.
std::string Sha256Hex(absl::string_view bytes);

}  // namespace foresight

// Writes files for the user.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace foresight {

// Replaces the content of `file` by `text`. Does nothing if `file` is empty.
// Errors: Unavailable: it cannot be written; the message names it.
absl::Status WriteFile(const std::string& file, const std::string& text);

}  // namespace foresight

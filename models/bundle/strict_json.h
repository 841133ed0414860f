// Strict JSON: refuses text that two readers could understand differently.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace foresight {

// Parses `text` as a JSON object.
// Errors:
//   InvalidArgument: `text` is not JSON (the message has line and column) or
//                    not an object, or a name occurs twice in one object.
absl::StatusOr<nlohmann::json> ParseStrictJson(absl::string_view text);

// Makes text from a file fit for a message: escapes non-printable bytes and
// replaces everything after the first `longest` bytes by "...".
std::string Printable(absl::string_view text, size_t longest = 160);

}  // namespace foresight

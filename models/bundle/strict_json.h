// JSON as its standard has it: what two readers could take differently is
// refused.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace foresight {

// The object that `text` is.
// Errors:
//   InvalidArgument: `text` is no JSON, with the line and column; it is no
//                    object; a name occurs twice in one object.
absl::StatusOr<nlohmann::json> ParseStrictJson(absl::string_view text);

// Text from a file, fit for a message: what does not print is escaped, what is
// beyond the first `longest` bytes becomes "...".
std::string Printable(absl::string_view text, size_t longest = 160);

}  // namespace foresight

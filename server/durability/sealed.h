// Adds a format and a checksum to bytes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

// Formats in stores.
inline constexpr absl::string_view kKeptSessionFormat = "foresight-session/1";
inline constexpr absl::string_view kKeptDecisionFormat = "foresight-decision/1";

// A line with `format` (a name and a version), a line with the SHA-256 of
// `content` in hex, and `content`.
std::string Seal(absl::string_view format, absl::string_view content);

// The content. Errors: DataLoss: another format, or a checksum that does not
// match.
absl::StatusOr<std::string> Unseal(absl::string_view format,
                                   absl::string_view sealed);

}  // namespace foresight

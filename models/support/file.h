// Whole files, read and written so that a reader never sees half of one.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

// The bytes of a regular file. Every message begins with the path.
// Errors:
//   NotFound:        there is no such file.
//   InvalidArgument: it is no regular file, or longer than `most` bytes (known
//                    before it is read).
//   Unavailable:     the system refuses.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     size_t most);

// Writes `bytes` to a new file beside `path` and renames it to `path` once it
// is on disk: whoever opens `path` finds the old bytes or the new ones, also
// after a crash. On an error the file at `path` is the old one.
// Errors:
//   Unavailable: the system refuses; the message names the file.
absl::Status WriteFileAtomically(const std::filesystem::path& path,
                                 absl::string_view bytes);

}  // namespace foresight

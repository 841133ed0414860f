// Reads and writes whole files, so that a reader never sees half of one.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

// Reads a regular file. Every message begins with the path.
// Errors:
//   NotFound:        there is no such file.
//   InvalidArgument: it is not a regular file, or is longer than `most` bytes,
//                    which is checked before it is read.
//   Unavailable:     the system refuses.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path,
                                     size_t most);

// Writes `bytes` to a new file beside `path` and renames it to `path` once it
// is on disk. A reader of `path` finds the old bytes or the new ones, even
// after a crash. After an error `path` is the old file.
// Errors:
//   Unavailable: the system refuses; the message names the file.
absl::Status WriteFileAtomically(const std::filesystem::path& path,
                                 absl::string_view bytes);

}  // namespace foresight

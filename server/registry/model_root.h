// The folder below which models may be loaded from while the server runs.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

// Thread-safe. Checks the file system only at each call: anyone who can write
// below the root while a model is loaded could still redirect the load.
class ModelRoot {
 public:
  // An empty path: no folder may be loaded.
  explicit ModelRoot(std::string path) : path_(std::move(path)) {}

  // The path of the bundle in `folder`, which is given relative to the root.
  // Errors, all of them BUNDLE_INVALID: there is no root; `folder` is empty,
  // absolute or has the component ".."; it does not exist; or a link takes it,
  // or a file in it, to a place that is not below the root.
  absl::StatusOr<std::filesystem::path> Resolve(absl::string_view folder) const;

 private:
  const std::string path_;
};

}  // namespace foresight

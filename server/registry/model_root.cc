#include "server/registry/model_root.h"

#include <algorithm>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

namespace fs = std::filesystem;

absl::Status Refused(absl::string_view folder, absl::string_view why) {
  return MakeError(
      Reason::kBundleInvalid,
      absl::StrCat("folder \"", absl::CHexEscape(folder.substr(0, 256)), "\" ",
                   why));
}

// Both paths must be free of links.
bool IsBelow(const fs::path& root, const fs::path& path) {
  const auto [end, first] =
      std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return end == root.end() && first != path.end();
}

absl::Status CheckText(absl::string_view folder) {
  if (folder.empty()) return Refused(folder, "is empty, expected one");
  if (folder.find('\0') != absl::string_view::npos) {
    return Refused(folder, "holds a zero byte, expected none");
  }
  const fs::path path{std::string(folder)};
  if (path.is_absolute()) {
    return Refused(folder,
                   "is absolute, expected a path relative to --model-root");
  }
  for (const fs::path& part : path) {
    if (part == "..") {
      return Refused(folder, "has the component \"..\", expected none");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<fs::path> ModelRoot::Resolve(absl::string_view folder) const {
  if (path_.empty()) {
    return Refused(folder,
                   "cannot be loaded: the server was started without "
                   "--model-root");
  }
  RETURN_IF_ERROR(CheckText(folder));
  std::error_code error;
  const fs::path root = fs::canonical(path_, error);
  if (error) {
    return Refused(folder, absl::StrCat("cannot be found: --model-root ", path_,
                                        ": ", error.message()));
  }
  const fs::path path = fs::canonical(root / std::string(folder), error);
  if (error) {
    return Refused(folder, absl::StrCat("cannot be found below --model-root: ",
                                        error.message()));
  }
  if (!IsBelow(root, path)) {
    return Refused(folder, "is not below --model-root, expected it there");
  }
  fs::directory_iterator files(path, error);
  for (; !error && files != fs::directory_iterator(); files.increment(error)) {
    // A link to nothing is harmless; the loader says what is missing.
    std::error_code missing;
    const fs::path file = fs::canonical(files->path(), missing);
    if (!missing && !IsBelow(root, file)) {
      return Refused(folder, absl::StrCat("has the link ",
                                          files->path().filename().string(),
                                          ", which leads out of --model-root"));
    }
  }
  if (error) {
    return Refused(folder, absl::StrCat("cannot be read: ", error.message()));
  }
  return path;
}

}  // namespace foresight

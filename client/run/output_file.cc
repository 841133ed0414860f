#include "client/run/output_file.h"

#include <fstream>

#include "absl/strings/str_cat.h"

namespace foresight {

absl::Status WriteFile(const std::string& file, const std::string& text) {
  if (file.empty()) return absl::OkStatus();
  std::ofstream stream(file, std::ios::binary);
  stream << text << std::flush;
  if (stream) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write ", file));
}

}  // namespace foresight

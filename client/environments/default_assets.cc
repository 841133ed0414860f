#include "client/environments/default_assets.h"

#include <system_error>

namespace foresight {

std::filesystem::path DefaultAssets(const std::filesystem::path& program) {
  const std::filesystem::path installed = ShareFolder(program) / "assets";
  std::error_code error;
  if (!program.empty() && std::filesystem::is_directory(installed, error)) {
    return installed;
  }
  return FORESIGHT_DEFAULT_ASSETS;
}

std::filesystem::path ShareFolder(const std::filesystem::path& program) {
  return program.parent_path().parent_path() / "share/foresight";
}

std::filesystem::path RunningProgram() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error);
}

}  // namespace foresight

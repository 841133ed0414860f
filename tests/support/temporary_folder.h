// A folder for one test's files.
#pragma once

#include <filesystem>

namespace foresight {

// A new, empty folder, which is removed with its contents at the end of its
// scope.
class TemporaryFolder {
 public:
  // Aborts with a message if the system cannot make one.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace foresight

// A folder for one test's files.
#pragma once

#include <filesystem>

namespace foresight {

// Empty and new; removed with all that is in it at the end of its scope.
class TemporaryFolder {
 public:
  // Ends the program with a message where the system makes none.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace foresight

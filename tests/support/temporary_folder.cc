#include "tests/support/temporary_folder.h"

#include <cstdlib>
#include <iostream>
#include <string>
#include <system_error>

namespace foresight {

TemporaryFolder::TemporaryFolder() {
  std::string name =
      (std::filesystem::temp_directory_path() / "foresight-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    std::cerr << "cannot make the folder " << name << std::endl;
    std::abort();
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace foresight

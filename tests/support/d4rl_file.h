// Writes small HDF5 files in D4RL's format with all the variations that occur:
// any type, any shape, anything missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace foresight {

enum class Stored { kFloat32, kFloat64, kUint8, kBool, kText };

// Not thread-safe. Closed when it goes out of scope. A failure to write aborts
// the test program.
class D4rlFile {
 public:
  explicit D4rlFile(const std::filesystem::path& path);
  ~D4rlFile();
  D4rlFile(const D4rlFile&) = delete;
  D4rlFile& operator=(const D4rlFile&) = delete;

  // kBool is h5py's enum of int8. kText stores strings instead of values.
  void Write(const std::string& name, const std::vector<int64_t>& shape,
             const std::vector<double>& values,
             Stored stored = Stored::kFloat32);
  // Writes a group where a data set is expected.
  void WriteGroup(const std::string& name);

 private:
  int64_t file_;  // hid_t
};

}  // namespace foresight

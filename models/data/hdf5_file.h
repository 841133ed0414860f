// An HDF5 file opened for reading, with just enough for D4RL's format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace foresight {

// The numbers of a data set, converted from the stored type: float32, float64,
// integers, or the enum that Python's bool becomes.
struct Hdf5Array {
  std::vector<int64_t> shape;
  std::vector<float> values;  // Row-major.
};

// Not thread-safe: two threads must not even use different files at the same
// time, since Debian's HDF5 is built without locks.
class Hdf5File {
 public:
  // Errors:
  //   NotFound:        there is no file at `path`.
  //   InvalidArgument: it is not an HDF5 file.
  static absl::StatusOr<Hdf5File> Open(const std::filesystem::path& path);

  bool Has(const std::string& name) const;

  // Reads the data set `name`.
  // Errors, naming the file and the data set:
  //   NotFound:        there is none.
  //   InvalidArgument: it does not hold numbers, or more than 2^31 of them.
  //   DataLoss:        its contents cannot be read.
  absl::StatusOr<Hdf5Array> Read(const std::string& name) const;

 private:
  struct Closer {
    void operator()(int64_t* file) const;
  };
  Hdf5File(std::filesystem::path path, int64_t file)
      : path_(std::move(path)), file_(new int64_t(file)) {}

  std::filesystem::path path_;
  std::unique_ptr<int64_t, Closer> file_;  // The library's hid_t.
};

}  // namespace foresight

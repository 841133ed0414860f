// Named tensors in one file, in which training keeps its state between runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace foresight {

using TensorDict = std::map<std::string, at::Tensor>;

struct TensorFile {
  TensorDict tensors;
  std::map<std::string, std::string> metadata;
};

// Writes the safetensors format (any of float32, float64, int64, uint8), by an
// atomic rename: `path` is always the old file or the whole new one.
// Errors: Unavailable, naming the file, when the disk refuses.
absl::Status SaveTensorFile(const std::filesystem::path& path,
                            const TensorFile& file);

// Reads what SaveTensorFile wrote, bit for bit, onto the CPU.
// Errors, naming the file:
//   NotFound:        there is no such file.
//   InvalidArgument: it is cut short or not of this format.
absl::StatusOr<TensorFile> LoadTensorFile(const std::filesystem::path& path);

}  // namespace foresight

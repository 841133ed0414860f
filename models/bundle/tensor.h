// Weights in memory, laid out as in files.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace foresight {

// Row-major float32.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> values;  // As many as the product of `shape`.
};
using TensorMap = std::map<std::string, Tensor>;

}  // namespace foresight

// Converts tensors from and to plain vectors, in double.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <vector>

namespace foresight {

inline at::TensorOptions Double() { return at::TensorOptions(at::kDouble); }

// A tensor [rows, columns] from rows.
inline at::Tensor FromRows(const std::vector<std::vector<double>>& rows) {
  std::vector<double> values;
  for (const std::vector<double>& row : rows) {
    values.insert(values.end(), row.begin(), row.end());
  }
  const int64_t count = rows.size();
  return at::tensor(values, Double()).view({count, -1});
}

// All values, row-major, whatever the type and device.
inline std::vector<double> Values(const at::Tensor& tensor) {
  const at::Tensor copy = tensor.detach().to(at::kCPU, at::kDouble);
  const at::Tensor flat = copy.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

}  // namespace foresight

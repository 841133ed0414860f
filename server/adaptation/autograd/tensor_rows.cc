#include "server/adaptation/autograd/tensor_rows.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <vector>

#include "models/networks/tensor_standardiser.h"

namespace foresight {
at::Tensor SelectColumn(absl::Span<const double> values,
                        absl::Span<const int> which,
                        const at::TensorOptions& options) {
  std::vector<double> column;
  for (const int i : which) column.push_back(values[i]);
  const int64_t count = which.size();
  return ToTensor(column, {count, 1}, options);
}

at::Tensor RowNorms(const at::Tensor& rows) {
  return at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, false,
                                at::kDouble);
}

}  // namespace foresight

#include "server/adaptation/autograd/tensor_rows.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <vector>

#include "models/networks/standardise.h"

namespace foresight {
namespace {

bool IsAll(const at::Tensor& all, absl::Span<const int> which) {
  return static_cast<int64_t>(which.size()) == all.size(0);
}

}  // namespace

at::Tensor SelectRows(const at::Tensor& all, absl::Span<const int> which) {
  if (IsAll(all, which)) return all;
  std::vector<at::Tensor> rows;
  for (const int i : which) rows.push_back(all[i]);
  return at::stack(rows);
}

at::Tensor ReplaceRows(const at::Tensor& all, absl::Span<const int> which,
                       const at::Tensor& rows) {
  if (IsAll(all, which)) return rows;
  const at::Tensor changed = all.clone();
  for (size_t k = 0; k < which.size(); ++k) changed[which[k]].copy_(rows[k]);
  return changed;
}

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

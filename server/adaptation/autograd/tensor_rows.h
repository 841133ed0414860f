// Converts per-problem numbers of a batch to and from tensors.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include "absl/types/span.h"

namespace foresight {

// values[i] for each i in `which` as a column [P', 1], P' = which.size().
at::Tensor SelectColumn(absl::Span<const double> values,
                        absl::Span<const int> which,
                        const at::TensorOptions& options);

// |row|_2 of each row [P, N], accumulated in double: [P] in double.
at::Tensor RowNorms(const at::Tensor& rows);

}  // namespace foresight

// Tensors with a row per problem, of which some are meant.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include "absl/types/span.h"

namespace foresight {

// Rows `which` of `all` [P, ...]: [P', ...], where P' = which.size(). Shares
// storage where those are all.
at::Tensor SelectRows(const at::Tensor& all, absl::Span<const int> which);

// `all` [P, ...] with rows `which` replaced by `rows` [P', ...]; a tensor of
// its own unless those are all.
at::Tensor ReplaceRows(const at::Tensor& all, absl::Span<const int> which,
                       const at::Tensor& rows);

// Elements `which` as a column [P', 1].
at::Tensor SelectColumn(absl::Span<const double> values,
                        absl::Span<const int> which,
                        const at::TensorOptions& options);

// |row|_2 of each row [P, N], accumulated in double: [P] in double.
at::Tensor RowNorms(const at::Tensor& rows);

}  // namespace foresight

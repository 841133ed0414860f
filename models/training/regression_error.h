// How far predictions are from what was recorded, with how sure that is.
#pragma once

#include <ATen/core/Tensor.h>

namespace foresight {

struct RegressionError {
  double rmse = 0;  // Root of the mean over rows and dimensions.
  // Of rmse over the rows: sd(e) / (2 rmse sqrt(N)), e a row's mean square
  // (the delta method); 0 for a single row or no error.
  double standard_error = 0;
  double worst_row = 0;  // Largest root of a row's mean square.
};

// Of [N, D] against [N, D], N >= 1; accumulated in double.
RegressionError MeasureError(const at::Tensor& predicted,
                             const at::Tensor& truth);

}  // namespace foresight

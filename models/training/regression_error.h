// The error of predictions against recorded values, with its uncertainty.
#pragma once

#include <ATen/core/Tensor.h>

namespace foresight {

struct RegressionError {
  double rmse = 0;  // Root mean square over rows and dimensions.
  // The standard error of rmse over the rows by the delta method: sd(e) / (2
  // rmse sqrt(N)), where e is a row's mean square; 0 for a single row or no
  // error.
  double standard_error = 0;
  double worst_row = 0;  // Largest root of a row's mean square.
};

// Compares [N, D] with [N, D], N >= 1; accumulates in double.
RegressionError MeasureError(const at::Tensor& predicted,
                             const at::Tensor& truth);

}  // namespace foresight

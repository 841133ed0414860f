#include "models/training/regression_error.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <cmath>

namespace foresight {

RegressionError MeasureError(const at::Tensor& predicted,
                             const at::Tensor& truth) {
  const at::NoGradGuard no_grad;
  const at::Tensor squares =
      (predicted.to(at::kDouble) - truth.to(at::kDouble)).square().mean(-1);
  const int64_t rows = squares.size(0);
  RegressionError error;
  error.rmse = std::sqrt(squares.mean().item<double>());
  error.worst_row = std::sqrt(squares.max().item<double>());
  if (rows > 1 && error.rmse > 0) {
    error.standard_error = squares.std().item<double>() /
                           (2 * error.rmse * std::sqrt(double(rows)));
  }
  return error;
}

}  // namespace foresight

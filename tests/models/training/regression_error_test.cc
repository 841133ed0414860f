#include "models/training/regression_error.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace foresight {
namespace {

at::Tensor Rows(const std::vector<double>& values, int64_t columns) {
  return at::tensor(values).reshape({-1, columns});
}

TEST(RegressionErrorTest, AllFiguresAreThoseByHand) {
  // The rows' mean squares are 1, 4 and 25.
  const RegressionError error =
      MeasureError(Rows({1, 1, 2, -2, 7, 1}, 2), at::zeros({3, 2}));
  EXPECT_DOUBLE_EQ(error.rmse, std::sqrt(10.0));
  EXPECT_DOUBLE_EQ(error.worst_row, 5);
  const double deviation = std::sqrt((81 + 36 + 225) / 2.0);
  EXPECT_DOUBLE_EQ(error.standard_error,
                   deviation / (2 * std::sqrt(10.0) * std::sqrt(3.0)));
}

TEST(RegressionErrorTest, ASingleRowHasNoUncertainty) {
  const RegressionError error = MeasureError(Rows({3}, 1), Rows({1}, 1));
  EXPECT_EQ(error.rmse, 2);
  EXPECT_EQ(error.worst_row, 2);
  EXPECT_EQ(error.standard_error, 0);
}

TEST(RegressionErrorTest, ExactPredictionsHaveNoError) {
  const at::Tensor rows = Rows({1, 2, 3}, 1);
  const RegressionError error = MeasureError(rows, rows);
  EXPECT_EQ(error.rmse, 0);
  EXPECT_EQ(error.standard_error, 0);
}

TEST(RegressionErrorTest, ItIsSummedInDouble) {
  // In float the sum of the two squares would lose the 1.
  const at::Tensor large = Rows({4097, 1}, 1).to(at::kFloat);
  const double mean = (4097.0 * 4097.0 + 1) / 2;
  EXPECT_DOUBLE_EQ(MeasureError(large, at::zeros({2, 1})).rmse,
                   std::sqrt(mean));
}

}  // namespace
}  // namespace foresight

#include "server/adaptation/autograd/tensor_rows.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace foresight {
namespace {

TEST(TensorRowsTest, TheColumnHoldsTheChosenElementsInOrder) {
  const std::vector<double> values = {0.5, 1.5, 2.5, 3.5};
  const std::vector<int> which = {3, 0, 3};
  const at::Tensor column = SelectColumn(values, which, at::kFloat);
  EXPECT_EQ(column.scalar_type(), at::kFloat);
  EXPECT_TRUE(at::equal(
      column, at::tensor({3.5f, 0.5f, 3.5f}, at::kFloat).reshape({3, 1})));
}

TEST(TensorRowsTest, EachRowHasItsNormInDouble) {
  // In float the sum of the squares would lose the 1.
  const at::Tensor rows =
      at::tensor({4097.0f, 1.0f, 3.0f, -4.0f}).reshape({2, 2});
  const at::Tensor norms = RowNorms(rows);
  ASSERT_EQ(norms.sizes(), at::IntArrayRef({2}));
  ASSERT_EQ(norms.scalar_type(), at::kDouble);
  EXPECT_DOUBLE_EQ(norms[0].item<double>(), std::sqrt(4097.0 * 4097.0 + 1));
  EXPECT_DOUBLE_EQ(norms[1].item<double>(), 5);
}

}  // namespace
}  // namespace foresight

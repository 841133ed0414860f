#include "server/adaptation/autograd/autograd_parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(AutogradParameters, ImportRestoresAnExport) {
  for (const at::ScalarType type : {at::kFloat, at::kDouble}) {
    AutogradParameters parameters(at::tensor({1.5, -2.0, 0.1f}, type));
    const std::vector<float> values = parameters.Export();
    EXPECT_THAT(values, ElementsAre(1.5f, -2.0f, 0.1f));
    AutogradParameters other(at::tensor({0.0, 0.0, 0.0}, type));
    ASSERT_TRUE(other.Import(values).ok());
    EXPECT_EQ(other.Export(), values);
    EXPECT_EQ(other.flat().scalar_type(), type);
  }
}

TEST(AutogradParameters, CloneIsIndependent) {
  AutogradParameters parameters(at::tensor({1.0f, 2.0f}));
  const std::unique_ptr<PolicyParameters> clone = parameters.Clone();
  ASSERT_TRUE(parameters.Import({3, 4}).ok());
  EXPECT_THAT(clone->Export(), ElementsAre(1, 2));
  EXPECT_THAT(parameters.Export(), ElementsAre(3, 4));
}

TEST(AutogradParameters, ImportRefusesWrongValues) {
  AutogradParameters parameters(at::tensor({1.0f, 2.0f}));
  const absl::Status count = parameters.Import({3});
  EXPECT_EQ(count.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(count.message()), HasSubstr("1 values, expected 2"));
  const absl::Status value =
      parameters.Import({3, std::numeric_limits<float>::infinity()});
  EXPECT_EQ(value.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(value.message()), HasSubstr("parameter 1 is inf"));
  EXPECT_THAT(parameters.Export(), ElementsAre(1, 2));
}

}  // namespace
}  // namespace foresight

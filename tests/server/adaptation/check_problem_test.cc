#include "server/adaptation/check_problem.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace foresight {
namespace {

absl::Status Check(const std::vector<float>& observation) {
  Problem problem;
  problem.observation = observation;
  return CheckProblem(problem, 3);
}

TEST(CheckProblemTest, AnObservationOfTheBundlesSizeIsAccepted) {
  EXPECT_TRUE(Check({0, -1e30f, std::numeric_limits<float>::max()}).ok());
}

TEST(CheckProblemTest, AnotherSizeIsRefused) {
  for (const size_t size : {0, 2, 4}) {
    const absl::Status status = Check(std::vector<float>(size));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "observation has " + std::to_string(size) +
                                    " values, expected 3");
  }
}

TEST(CheckProblemTest, TheFirstValueThatIsNotFiniteIsNamed) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Check({0, nan, infinity}).message(),
            "observation[1] is nan, expected a finite value");
  EXPECT_EQ(Check({0, 0, -infinity}),
            absl::InvalidArgumentError(
                "observation[2] is -inf, expected a finite value"));
}

}  // namespace
}  // namespace foresight

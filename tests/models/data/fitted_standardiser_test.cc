#include "models/data/fitted_standardiser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;

TEST(FittedStandardiser, IsMeanAndDeviationOfEachColumn) {
  // 1, 3, 5 have mean 3 and variance 8/3; 2, 2, 8 have mean 4 and variance 8.
  const FittedStandardiser standardiser =
      FitStandardiser({1, 2, 3, 2, 5, 8}, 2, 1e-3f);
  EXPECT_THAT(standardiser.mean, ElementsAre(3, 4));
  EXPECT_THAT(standardiser.std,
              ElementsAre(FloatEq(1.6329932f), FloatEq(2.8284271f)));
}

TEST(FittedStandardiser, GivesAConstantColumnTheFloor) {
  const FittedStandardiser standardiser = FitStandardiser({7, 7, 7}, 1, 1e-3f);
  EXPECT_THAT(standardiser.mean, ElementsAre(7));
  EXPECT_THAT(standardiser.std, ElementsAre(1e-3f));
}

TEST(FittedStandardiser, DoesNotCancelFarFromZero) {
  // In float32 a deviation of 1 would be lost beside 1e6^2.
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1e6f + (i % 2 == 0 ? 1 : -1));
  const FittedStandardiser standardiser = FitStandardiser(values, 1, 1e-3f);
  EXPECT_THAT(standardiser.std, ElementsAre(FloatNear(1, 1e-6f)));
}

TEST(FittedStandardiser, FitsTheDifferencesAfterMinusBefore) {
  const FittedStandardiser standardiser =
      FitDifferenceStandardiser({1, 2, 3, 4}, {2, 2, 6, 4}, 2, 1e-4f);
  EXPECT_THAT(standardiser.mean, ElementsAre(2, 0));
  EXPECT_THAT(standardiser.std, ElementsAre(1, 1e-4f));
}

}  // namespace
}  // namespace foresight

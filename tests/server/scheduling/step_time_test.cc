#include "server/scheduling/step_time.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);
constexpr absl::Duration kUnknown = absl::ZeroDuration();

TEST(StepTimeTest, TheFirstMeasurementIsTheEstimate) {
  EXPECT_EQ(LearnStepTime(kUnknown, 4, 2, 21 * kMs, kMs), 10 * kMs);
}

TEST(StepTimeTest, TheEstimateFollowsTheMeasurements) {
  absl::Duration known = 10 * kMs;
  known = LearnStepTime(known, 1, 1, 19 * kMs, kMs);
  EXPECT_EQ(known, 12 * kMs);
  for (int i = 0; i < 40; ++i) {
    known = LearnStepTime(known, 1, 1, 21 * kMs, kMs);
  }
  // 8 * 0.75^40 is under 0.1 ms.
  EXPECT_GT(known, 19.9 * kMs);
  EXPECT_LE(known, 20 * kMs);
}

TEST(StepTimeTest, AnEstimateThatIsNeverTriedFades) {
  EXPECT_EQ(LearnStepTime(10 * kMs, 1, 0, kMs, kMs), 9 * kMs);
}

TEST(StepTimeTest, AFrozenSessionTeachesNothing) {
  EXPECT_EQ(LearnStepTime(10 * kMs, 0, 0, kMs, kMs), 10 * kMs);
  EXPECT_EQ(LearnStepTime(kUnknown, 0, 0, kMs, kMs), kUnknown);
}

TEST(StepTimeTest, AKnownEstimateNeverReadsAsUnknown) {
  EXPECT_GT(LearnStepTime(kUnknown, 1, 1, kMs, 2 * kMs), kUnknown);
}

}  // namespace
}  // namespace foresight

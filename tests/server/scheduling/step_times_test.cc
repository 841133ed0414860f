#include "server/scheduling/step_times.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);
const absl::Time kNow = absl::UnixEpoch();
const StepKind kKind = {1, 5, 10, 10, 0.99f};
const StepKind kOther = {1, 5, 64, 10, 0.99f};

TEST(StepTimesTest, WithoutAMeasurementThePriorCountsForEachDecision) {
  const StepTimes times;
  EXPECT_EQ(times.Expect(kKind, 1, 1, {4 * kMs}, kNow), 4 * kMs);
  EXPECT_EQ(times.Expect(kKind, 3, 1, {4 * kMs}, kNow), 12 * kMs);
}

TEST(StepTimesTest, TheFurtherDecisionsOfAJointStepHaveAPriorOfTheirOwn) {
  StepTimes times;
  const StepPrior prior = {4 * kMs, kMs};
  EXPECT_EQ(times.Expect(kKind, 3, 1, prior, kNow), 6 * kMs);
  // The first one has been measured, the others not.
  for (int i = 0; i < 100; ++i) times.Learn(kKind, 1, 1, 10 * kMs, kNow);
  EXPECT_GE(times.Expect(kKind, 3, 1, prior, kNow), 12 * kMs);
  EXPECT_LT(times.Expect(kKind, 3, 1, prior, kNow), 12.1 * kMs);
  // None takes longer than if it were alone.
  EXPECT_EQ(times.Expect(kOther, 3, 1, {4 * kMs, 9 * kMs}, kNow), 12 * kMs);
}

TEST(StepTimesTest, SteadyStepsAreExpectedToTakeAsLongAgain) {
  StepTimes times;
  for (int i = 0; i < 100; ++i) times.Learn(kKind, 1, 1, 5 * kMs, kNow);
  const absl::Duration expected = times.Expect(kKind, 1, 1, {4 * kMs}, kNow);
  EXPECT_GE(expected, 5 * kMs);
  EXPECT_LT(expected, 5.01 * kMs);
}

TEST(StepTimesTest, TheEstimateLeavesRoomForVariation) {
  StepTimes times;
  for (int i = 0; i < 200; ++i) {
    times.Learn(kKind, 1, 1, (i % 2 == 0 ? 4 : 6) * kMs, kNow);
  }
  EXPECT_GE(times.Expect(kKind, 1, 1, {4 * kMs}, kNow), 5.8 * kMs);
}

TEST(StepTimesTest, KindsCountsAndThreadsAreLearntApart) {
  StepTimes times;
  times.Learn(kKind, 1, 1, 5 * kMs, kNow);
  times.Learn(kKind, 2, 1, 7 * kMs, kNow);
  times.Learn(kKind, 1, 2, 3 * kMs, kNow);
  EXPECT_GT(times.Expect(kKind, 2, 1, {kMs}, kNow),
            times.Expect(kKind, 1, 1, {kMs}, kNow));
  EXPECT_LT(times.Expect(kKind, 1, 2, {kMs}, kNow),
            times.Expect(kKind, 1, 1, {kMs}, kNow));
  EXPECT_EQ(times.Expect(kOther, 1, 1, {kMs}, kNow), kMs);
}

TEST(StepTimesTest, ACutStepProvesThatStepsTakeLonger) {
  StepTimes times;
  times.Learn(kKind, 1, 1, 2 * kMs, kNow);
  for (int i = 0; i < 10; ++i) {
    times.LearnCut(kKind, 1, 1, 9 * kMs, {kMs}, kNow);
  }
  EXPECT_GE(times.Expect(kKind, 1, 1, {kMs}, kNow), 9 * kMs);
}

TEST(StepTimesTest, OneCutStepIsTakenForAnOutlier) {
  StepTimes times;
  for (int i = 0; i < 50; ++i) times.Learn(kKind, 1, 1, 4 * kMs, kNow);
  times.LearnCut(kKind, 1, 1, 45 * kMs, {4 * kMs}, kNow);
  EXPECT_LT(times.Expect(kKind, 1, 1, {4 * kMs}, kNow), 10 * kMs);
  for (int i = 0; i < 4; ++i)
    times.LearnCut(kKind, 1, 1, 45 * kMs, {4 * kMs}, kNow);
  EXPECT_GE(times.Expect(kKind, 1, 1, {4 * kMs}, kNow), 30 * kMs);
}

TEST(StepTimesTest, AnEarlyCutDoesNotChangeTheEstimate) {
  StepTimes times;
  for (int i = 0; i < 50; ++i) times.Learn(kKind, 1, 1, 5 * kMs, kNow);
  const absl::Duration before = times.Expect(kKind, 1, 1, {kMs}, kNow);
  times.LearnCut(kKind, 1, 1, kMs, {kMs}, kNow);
  EXPECT_EQ(times.Expect(kKind, 1, 1, {kMs}, kNow), before);
}

TEST(StepTimesTest, ACutBeforeAnyMeasurementTeachesOnlyThatStepsTakeLonger) {
  StepTimes times;
  times.LearnCut(kKind, 1, 1, absl::Nanoseconds(1), {4 * kMs}, kNow);
  EXPECT_EQ(times.Expect(kKind, 1, 1, {4 * kMs}, kNow), 4 * kMs);
  times.LearnCut(kKind, 1, 1, 10 * kMs, {4 * kMs}, kNow);
  EXPECT_GT(times.Expect(kKind, 1, 1, {4 * kMs}, kNow), 4 * kMs);
}

TEST(StepTimesTest, OneOutlierCountsLittle) {
  StepTimes times;
  for (int i = 0; i < 100; ++i) times.Learn(kKind, 1, 1, 4 * kMs, kNow);
  times.Learn(kKind, 1, 1, absl::Seconds(1), kNow);
  EXPECT_LT(times.Expect(kKind, 1, 1, {kMs}, kNow), 8 * kMs);
}

TEST(StepTimesTest, AnEstimateThatIsNotRenewedShrinksTowardsThePrior) {
  StepTimes times;
  for (int i = 0; i < 50; ++i) times.Learn(kKind, 1, 1, 60 * kMs, kNow);
  EXPECT_GE(times.Expect(kKind, 1, 1, {4 * kMs}, kNow + 200 * kMs), 60 * kMs);
  EXPECT_LT(times.Expect(kKind, 1, 1, {4 * kMs}, kNow + absl::Seconds(1)),
            5 * kMs);
  EXPECT_GE(times.Expect(kKind, 1, 1, {4 * kMs}, kNow + absl::Hours(1)),
            4 * kMs);
}

TEST(StepTimesTest, AnEstimateForSeveralDoesNotShrinkToThatForOne) {
  StepTimes times;
  for (int i = 0; i < 50; ++i) times.Learn(kKind, 8, 1, 60 * kMs, kNow);
  const absl::Time later = kNow + absl::Seconds(2);
  EXPECT_GE(times.Expect(kKind, 8, 1, {4 * kMs}, later), 32 * kMs);
  EXPECT_LT(times.Expect(kKind, 8, 1, {4 * kMs}, later), 33 * kMs);
}

}  // namespace
}  // namespace foresight

#include "foresight/control_loop_options.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(ControlLoopOptionsTest, TheDefaultsAreInRange) {
  EXPECT_TRUE(Check({}, 6).ok());
}

TEST(ControlLoopOptionsTest, DurationsArePositive) {
  ControlLoopOptions options;
  options.deadline = absl::ZeroDuration();
  EXPECT_EQ(Check(options, 6).message(),
            "deadline, budget and backoff must be positive");
  options = {};
  options.budget = absl::ZeroDuration();
  EXPECT_FALSE(Check(options, 6).ok());
  options = {};
  options.backoff.initial_backoff = absl::ZeroDuration();
  EXPECT_FALSE(Check(options, 6).ok());
}

TEST(ControlLoopOptionsTest, NoAnswerIsGivenUpBeforeTheDeadline) {
  ControlLoopOptions options;
  options.give_up_after = absl::Milliseconds(19);
  EXPECT_EQ(
      Check(options, 6).message(),
      "give_up_after is 19ms, expected at least the deadline, which is 20ms");
}

TEST(ControlLoopOptionsTest, TheInitialActionHasTheModelsSize) {
  ControlLoopOptions options;
  options.initial_action = {0.0f, 0.0f};
  EXPECT_EQ(Check(options, 6).message(),
            "initial_action has 2 values, expected 6");
  EXPECT_TRUE(Check(options, 2).ok());
}

TEST(ControlLoopOptionsTest, ALatePolicyNeedsItsOptions) {
  ControlLoopOptions options;
  options.late = LatePolicy::kFollowPlan;
  EXPECT_EQ(Check(options, 6).message(), "plan_length is 0, expected 1..64");
  options.plan_length = 65;
  EXPECT_EQ(Check(options, 6).message(), "plan_length is 65, expected 1..64");
  options.plan_length = 64;
  EXPECT_TRUE(Check(options, 6).ok());
  options.late = LatePolicy::kCallback;
  EXPECT_EQ(Check(options, 6).message(), "kCallback needs a callback");
}

}  // namespace
}  // namespace foresight

#include "server/adaptation/action_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "server/adaptation/decision_batch.h"
#include "tests/support/outcome_names.h"
#include "tests/support/quadratic_policies.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using One = QuadraticWorld::One;

constexpr float kDelta = 1.0f / 256;
// u is rounded to float32 at the measuring step.
constexpr double kRounding = 1e-6;

// u = 2 psi, and g points from psi to the top, by default from (0, 0) to (30,
// 40), so u changes most in its second component.
class ActionStepTest : public ::testing::Test {
 protected:
  ActionStepTest() : world_{{One()}} {
    one().top = {30, 40};
    problem_.settings.steps = 1;
    problem_.settings.action_step = kDelta;
  }

  const Report& Run() {
    QuadraticEngine(world_, [] {
      return absl::UnixEpoch();
    }).Adapt({&problem_, 1});
    EXPECT_TRUE(problem_.decision_or.ok()) << problem_.decision_or.status();
    return problem_.decision_or->report;
  }

  One& one() { return world_.ones[0]; }
  void ExpectWorking(double x, double y) {
    EXPECT_NEAR(one().working[0], x, kRounding);
    EXPECT_NEAR(one().working[1], y, kRounding);
  }

  Problem problem_;
  QuadraticWorld world_;
};

TEST_F(ActionStepTest, TheOutputChangesByItWhereItChangesMost) {
  const Report& report = Run();
  ExpectWorking(0.75 * kDelta / 2, kDelta / 2);
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  EXPECT_EQ(report.steps_done, 1);
  EXPECT_FLOAT_EQ(report.gradient_norm, 50);
  EXPECT_FLOAT_EQ(report.objective_before, -1250);
}

TEST_F(ActionStepTest, TheSizeOfTheGradientDoesNotMatter) {
  one().top = {3e4, 4e4};
  Run();
  ExpectWorking(0.75 * kDelta / 2, kDelta / 2);
  world_.ones = {One()};
  one().top = {-3, 4};
  Run();
  ExpectWorking(-0.75 * kDelta / 2, kDelta / 2);
}

TEST_F(ActionStepTest, StepSizeAndGradientLimitHaveNoEffect) {
  problem_.settings.step_size = 100;
  problem_.settings.max_gradient_norm = 1e-3f;
  Run();
  ExpectWorking(0.75 * kDelta / 2, kDelta / 2);
}

// The second step is measured from the first one's end.
TEST_F(ActionStepTest, TheStepsOfADecisionShareIt) {
  problem_.settings.steps = 5;
  one().start = one().working = {0.5, 0.5};
  one().top = {40.5, 40.5};
  EXPECT_EQ(Run().steps_done, 5);
  ExpectWorking(0.5 + kDelta / 2, 0.5 + kDelta / 2);
}

TEST_F(ActionStepTest, WithoutAGradientPsiStays) {
  one().top = {0, 0};
  EXPECT_EQ(Run().outcome, Outcome::kAdapted);
  EXPECT_THAT(one().working, ElementsAre(0, 0));
}

TEST_F(ActionStepTest, AStepIsAtMostThreeThousandthsLong) {
  problem_.settings.action_step = 1e6f;
  Run();
  EXPECT_NEAR(QuadraticPolicies::Norm(one().working, {0, 0}), 3e-3, 1e-8);
}

TEST_F(ActionStepTest, GuardsComeAfterIt) {
  problem_.settings.max_drift = 0.00125f;
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kLimited);
  EXPECT_FLOAT_EQ(report.drift, 0.00125f);
  ExpectWorking(0.6 * 0.00125, 0.8 * 0.00125);
}

TEST_F(ActionStepTest, OtherDecisionsOfTheBatchKeepTheirStepSize) {
  world_.ones = {One(), One(), One()};
  for (One& one : world_.ones) one.top = {0, 4};
  std::vector<Problem> problems(3, problem_);
  problems[1].settings.action_step = 0;
  problems[1].settings.step_size = 0.25f;
  problems[1].settings.max_gradient_norm = 0;
  problems[2].settings.action_step = kDelta / 2;
  QuadraticEngine(world_, [] {
    return absl::UnixEpoch();
  }).Adapt(absl::MakeSpan(problems));
  EXPECT_NEAR(world_.ones[0].working[1], kDelta / 2, kRounding);
  EXPECT_THAT(world_.ones[1].working, ElementsAre(0, 1));
  EXPECT_NEAR(world_.ones[2].working[1], kDelta / 4, kRounding);
}

}  // namespace
}  // namespace foresight

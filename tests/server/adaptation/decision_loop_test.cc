#include "server/adaptation/decision_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/support/outcome_names.h"
#include "tests/support/quadratic_policies.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using One = QuadraticPolicies::One;
using Evaluation = WorkingPolicies::Evaluation;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One decision of steps = 4 and step_size = 0.25 without guards: psi climbs
// from 0 to (1 - 0.75^4, 0), J from -1/2.
class DecisionLoopTest : public ::testing::Test {
 protected:
  DecisionLoopTest() : policies_({One()}) {
    problem_.settings.steps = 4;
    problem_.settings.step_size = 0.25f;
    problem_.settings.max_gradient_norm = 0;
  }

  const Report& Run() {
    Problem* problems[] = {&problem_};
    DecisionLoop([this] { return now_; }).Run(problems, policies_);
    EXPECT_TRUE(problem_.decision_or.ok()) << problem_.decision_or.status();
    return problem_.decision_or->report;
  }

  absl::StatusCode RunToError() {
    Problem* problems[] = {&problem_};
    DecisionLoop([this] { return now_; }).Run(problems, policies_);
    return problem_.decision_or.status().code();
  }

  // psi[0] after `steps` steps of 0.25.
  static double Climbed(int steps) { return 1 - std::pow(0.75, steps); }

  One& one() { return policies_.ones[0]; }

  absl::Time now_ = absl::UnixEpoch();
  Problem problem_;
  QuadraticPolicies policies_;
};

TEST_F(DecisionLoopTest, TakesEveryStepAndReports) {
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  EXPECT_EQ(report.steps_requested, 4);
  EXPECT_EQ(report.steps_done, 4);
  EXPECT_FLOAT_EQ(report.objective_before, -0.5f);
  EXPECT_FLOAT_EQ(report.gradient_norm, 1 - Climbed(3));
  EXPECT_FLOAT_EQ(report.action_change, Climbed(4));
  EXPECT_FLOAT_EQ(report.drift, Climbed(4));
  EXPECT_FALSE(report.objective_after.has_value());
  EXPECT_THAT(problem_.decision_or->action,
              ElementsAre(FloatNear(Climbed(4), 1e-7), 0));
  EXPECT_TRUE(one().committed);
}

TEST_F(DecisionLoopTest, NoStepsAskedForIsFrozen) {
  problem_.settings.steps = 0;
  one().start = one().working = {0.5, -0.25};
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(report.objective_before, 0);
  EXPECT_FLOAT_EQ(report.action_change, 0.5f);
  EXPECT_FLOAT_EQ(report.drift, std::hypot(0.5, 0.25));
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.5f, -0.25f));
}

TEST_F(DecisionLoopTest, ObjectiveAfterIsAtTheFinalPolicyWithTheFirstBank) {
  problem_.report_objective_after = true;
  one().acceptance_top = {7, 7};
  EXPECT_FLOAT_EQ(Run().objective_after.value(),
                  -std::pow(1 - Climbed(4), 2) / 2);
}

TEST_F(DecisionLoopTest, GradientNormIsLimitedAndReportedUnlimited) {
  problem_.settings.steps = 1;
  problem_.settings.step_size = 1;
  problem_.settings.max_gradient_norm = 0.125f;
  one().top = {0.3, 0.4};
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kAdapted);
  EXPECT_FLOAT_EQ(report.gradient_norm, 0.5f);
  EXPECT_NEAR(one().working[0], 0.6 * 0.125, 1e-15);
  EXPECT_NEAR(one().working[1], 0.8 * 0.125, 1e-15);
}

TEST_F(DecisionLoopTest, GradientShorterThanTheLimitIsLeftAlone) {
  problem_.settings.max_gradient_norm = 1;
  Run();
  EXPECT_DOUBLE_EQ(one().working[0], Climbed(4));
}

TEST_F(DecisionLoopTest, NonFiniteObjectiveEndsTheStepsAtTheLastGoodOne) {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    policies_.ones = {One()};
    policies_.spoil = [&](int, Evaluation& evaluation) {
      if (one().differentiations == 3) evaluation.objective = bad;
    };
    const Report& report = Run();
    EXPECT_EQ(report.outcome, Outcome::kNonFinite);
    EXPECT_EQ(report.steps_done, 2);
    EXPECT_EQ(one().differentiations, 3);
    EXPECT_DOUBLE_EQ(one().working[0], Climbed(2));
    EXPECT_FLOAT_EQ(report.gradient_norm, 1 - Climbed(1));
    EXPECT_TRUE(one().committed);
  }
}

TEST_F(DecisionLoopTest, NonFiniteGradientTakesNoStep) {
  policies_.spoil = [&](int, Evaluation& evaluation) {
    evaluation.gradient_norm = kNan;
  };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_EQ(one().working, one().start);
}

TEST_F(DecisionLoopTest, NonFinitePolicyIsRetracted) {
  one().start = one().working = {0.25, 0};
  one().top = {1e300, 0};  // The gradient is finite, the step is not.
  problem_.settings.step_size = 1e38f;
  policies_.spoil = [](int, Evaluation& evaluation) {
    evaluation.objective = 0;
  };
  policies_.spoil_action = [](int, QuadraticPolicies::Vector& action) {
    if (std::isinf(action[0])) action[0] = 1;  // As tanh makes it.
  };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_THAT(one().working, ElementsAre(0.25, 0));
  EXPECT_FLOAT_EQ(report.drift, 0.25f);
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.25f, 0));
}

TEST_F(DecisionLoopTest, NonFiniteNewActionIsRetracted) {
  policies_.spoil_action = [](int, QuadraticPolicies::Vector& action) {
    if (action[0] > 0.5) action[1] = kNan;  // From the third step on.
  };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 2);
  EXPECT_DOUBLE_EQ(one().working[0], Climbed(2));
  EXPECT_FLOAT_EQ(report.drift, Climbed(2));
  EXPECT_THAT(problem_.decision_or->action,
              ElementsAre(FloatNear(Climbed(2), 1e-7), 0));
}

TEST_F(DecisionLoopTest, SessionsActionThatIsNotFiniteGivesTheFrozenOne) {
  problem_.settings.steps = 0;
  one().pretrained = {0.5, 0.5};
  one().start = one().working = {kNan, 0};
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.action_change, 0);
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.5f, 0.5f));
}

TEST_F(DecisionLoopTest, FrozenActionThatIsNotFiniteIsAnError) {
  one().pretrained = {kInfinity, 0};
  EXPECT_EQ(RunToError(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(one().differentiations, 0);
  EXPECT_FALSE(one().committed);
}

TEST_F(DecisionLoopTest, ActionsAreClampedToOne) {
  problem_.settings.steps = 0;
  one().start = one().working = {1.0000002, -1.0000002};
  Run();
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(1, -1));
}

TEST_F(DecisionLoopTest, DeadlineBetweenStepsTruncates) {
  problem_.deadline = now_ + absl::Milliseconds(25);
  policies_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  const Report& report = Run();
  // The third step would end at 30 ms: it is dropped.
  EXPECT_EQ(report.outcome, Outcome::kTruncated);
  EXPECT_EQ(report.steps_done, 2);
  EXPECT_DOUBLE_EQ(one().working[0], Climbed(2));
  EXPECT_TRUE(one().committed);
}

TEST_F(DecisionLoopTest, NoStepIsBegunOnceTheDeadlineHasCome) {
  problem_.deadline = now_;
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(one().differentiations, 0);
}

TEST_F(DecisionLoopTest, DeadlineInTheFirstStepIsFrozen) {
  problem_.deadline = now_ + absl::Milliseconds(5);
  policies_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_EQ(report.objective_before, 0);
}

TEST_F(DecisionLoopTest, ObjectiveAfterIsLeftOutWithoutTime) {
  problem_.report_objective_after = true;
  problem_.deadline = now_ + absl::Milliseconds(25);
  policies_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  EXPECT_FALSE(Run().objective_after.has_value());
}

TEST_F(DecisionLoopTest, CancelledDecisionIsNeverCommitted) {
  std::atomic<bool> cancelled = true;
  problem_.cancelled = &cancelled;
  EXPECT_EQ(RunToError(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(one().committed);
}

TEST_F(DecisionLoopTest, CancellingWorksUpToTheEnd) {
  problem_.report_objective_after = true;  // One evaluation after four steps.
  for (int during = 1; during <= 9; ++during) {
    policies_.ones = {One()};
    std::atomic<bool> cancelled = false;
    problem_.cancelled = &cancelled;
    int calls = 0;
    policies_.meanwhile = [&] {
      if (++calls == during) cancelled = true;
    };
    EXPECT_EQ(RunToError(), absl::StatusCode::kCancelled);
    EXPECT_EQ(one().differentiations, std::min((during + 1) / 2, 4));
    EXPECT_FALSE(one().committed);
  }
}

TEST_F(DecisionLoopTest, AcceptGuardIsLeftTimeToJudge) {
  problem_.settings.steps = 100;
  problem_.settings.accept_only_improvement = true;
  problem_.deadline = now_ + absl::Milliseconds(55);
  policies_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  // Steps end at 10, 20, 30 and 40 ms, the judgement at 50 ms; after a fifth
  // step it would end too late.
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kTruncated);
  EXPECT_EQ(report.steps_done, 4);
}

TEST_F(DecisionLoopTest, ProblemsOfACallDoNotTouchOneAnother) {
  Problem other = problem_, bad = problem_, late = problem_, gone = problem_;
  other.settings.steps = 2;
  late.deadline = now_;
  const std::atomic<bool> cancelled = true;
  gone.cancelled = &cancelled;
  policies_.ones.resize(5);
  policies_.ones[2].pretrained = {kNan, 0};
  DecisionLoop loop([this] { return now_; });
  Problem* problems[] = {&problem_, &other, &bad, &late, &gone};
  loop.Run(problems, policies_);
  EXPECT_EQ(problem_.decision_or->report.steps_done, 4);
  EXPECT_EQ(other.decision_or->report.steps_done, 2);
  EXPECT_EQ(bad.decision_or.status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(late.decision_or->report.outcome, Outcome::kFrozen);
  EXPECT_EQ(gone.decision_or.status().code(), absl::StatusCode::kCancelled);
  EXPECT_DOUBLE_EQ(policies_.ones[0].working[0], Climbed(4));
  EXPECT_DOUBLE_EQ(policies_.ones[1].working[0], Climbed(2));
}

TEST_F(DecisionLoopTest, NoProblemsAreNoWork) {
  DecisionLoop().Run({}, policies_);
  EXPECT_FALSE(one().committed);
}

}  // namespace
}  // namespace foresight

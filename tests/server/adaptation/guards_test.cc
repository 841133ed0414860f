#include "server/adaptation/guards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "server/adaptation/decision_batch.h"
#include "tests/support/outcome_names.h"
#include "tests/support/quadratic_policies.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using One = QuadraticWorld::One;
using Evaluation = WorkingPolicies::Evaluation;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One step of size 1 goes from (0, 0) straight to the top, by default (1, 0).
// The guards then judge it as part of a whole decision.
class GuardsTest : public ::testing::Test {
 protected:
  GuardsTest() : world_{{One()}} {
    problem_.settings.steps = 1;
    problem_.settings.step_size = 1;
    problem_.settings.max_gradient_norm = 0;
  }

  const Report& Run() {
    QuadraticEngine(world_, [this] { return now_; }).Adapt({&problem_, 1});
    EXPECT_TRUE(problem_.decision_or.ok()) << problem_.decision_or.status();
    return problem_.decision_or->report;
  }

  One& one() { return world_.ones[0]; }

  absl::Time now_ = absl::UnixEpoch();
  Problem problem_;
  QuadraticWorld world_;
};

TEST_F(GuardsTest, DriftIsProjectedOntoTheBall) {
  one().pretrained = {-3, 0};
  one().start = one().working = {-3, 1};
  one().top = {0, 4};  // |psi - psi_0| = 5 after the step.
  problem_.settings.max_drift = 2.5f;
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kLimited);
  EXPECT_FLOAT_EQ(report.drift, 2.5f);
  EXPECT_THAT(one().working, ElementsAre(-1.5, 2));
}

TEST_F(GuardsTest, DriftWithinTheBallIsLeftAlone) {
  problem_.settings.max_drift = 1;
  EXPECT_EQ(Run().outcome, Outcome::kAdapted);
  EXPECT_THAT(one().working, ElementsAre(1, 0));
}

TEST_F(GuardsTest, DriftIsLimitedAfterTheLastStepNotAfterEach) {
  problem_.settings.max_drift = 0.5f;
  problem_.settings.steps = 2;
  problem_.settings.step_size = 0.75f;
  EXPECT_FLOAT_EQ(Run().gradient_norm, 0.25f);
  EXPECT_DOUBLE_EQ(one().working[0], 0.5);
}

TEST_F(GuardsTest, ActionChangeIsHalvedUntilItFits) {
  one().start = one().working = {0.5, 0.25};
  one().top = {0.5, 1.25};
  problem_.settings.max_action_change = 0.25f;
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kLimited);
  EXPECT_THAT(one().working, ElementsAre(0.5, 0.5));
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.5f, 0.5f));
  EXPECT_FLOAT_EQ(report.action_change, 0.5f);  // Relative to psi_0.
  EXPECT_FLOAT_EQ(report.drift, std::sqrt(0.5f));
}

TEST_F(GuardsTest, ActionChangeWithinTheRegionIsLeftAlone) {
  problem_.settings.max_action_change = 1;
  EXPECT_EQ(Run().outcome, Outcome::kAdapted);
  EXPECT_THAT(one().working, ElementsAre(1, 0));
}

TEST_F(GuardsTest, TenHalvingsAreLimitedElevenWouldBeRejected) {
  problem_.settings.max_action_change = std::ldexp(1.0f, -10);
  EXPECT_EQ(Run().outcome, Outcome::kLimited);
  EXPECT_THAT(one().working, ElementsAre(std::ldexp(1.0, -10), 0));
  world_.ones = {One()};
  problem_.settings.max_action_change = std::ldexp(0.99f, -10);
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kRejected);
  EXPECT_EQ(report.steps_done, 1);
  EXPECT_FLOAT_EQ(report.gradient_norm, 1);
  EXPECT_EQ(report.drift, 0);
  EXPECT_THAT(one().working, ElementsAre(0, 0));
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0, 0));
}

TEST_F(GuardsTest, TheTrustRegionAppliesAfterTheDriftLimit) {
  problem_.settings.max_drift = 0.375f;
  problem_.settings.max_action_change = 0.375f;
  EXPECT_EQ(Run().outcome, Outcome::kLimited);
  EXPECT_THAT(one().working, ElementsAre(0.375, 0));  // No halving.
}

TEST_F(GuardsTest, FallOfTheSecondObjectiveIsUndone) {
  problem_.settings.accept_only_improvement = true;
  one().acceptance_top = {0.4, 0};  // Nearer to 0 than to 1.
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kRejected);
  EXPECT_EQ(report.steps_done, 1);
  EXPECT_EQ(report.drift, 0);
  EXPECT_THAT(one().working, ElementsAre(0, 0));
  EXPECT_TRUE(one().committed);
}

TEST_F(GuardsTest, RiseOrEqualityOfTheSecondObjectiveIsKept) {
  problem_.settings.accept_only_improvement = true;
  for (const double top : {0.5, 0.6}) {
    world_.ones = {One()};
    one().acceptance_top = {top, 0};
    EXPECT_EQ(Run().outcome, Outcome::kAdapted);
    EXPECT_THAT(one().working, ElementsAre(1, 0));
  }
}

TEST_F(GuardsTest, SecondObjectiveThatIsNotFiniteIsUndone) {
  problem_.settings.accept_only_improvement = true;
  for (const double bad : {kNan, kInfinity}) {
    world_.ones = {One()};
    world_.spoil = [&](int, Evaluation& evaluation) {
      const bool at_top = evaluation.objective == 0;
      if (at_top) evaluation.objective = bad;
    };
    EXPECT_EQ(Run().outcome, Outcome::kRejected);
    EXPECT_THAT(one().working, ElementsAre(0, 0));
  }
}

TEST_F(GuardsTest, WithoutTimeToJudgeAnUpdateIsRejected) {
  problem_.settings.accept_only_improvement = true;
  problem_.deadline = now_ + absl::Milliseconds(19);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kRejected);
  EXPECT_EQ(report.steps_done, 1);
  EXPECT_THAT(one().working, ElementsAre(0, 0));
}

TEST_F(GuardsTest, WithoutAStepNoGuardApplies) {
  problem_.settings.steps = 0;
  problem_.settings.max_drift = 0.1f;
  problem_.settings.max_action_change = 0.1f;
  problem_.settings.accept_only_improvement = true;
  one().start = one().working = {0.5, 0};
  EXPECT_EQ(Run().outcome, Outcome::kFrozen);
  EXPECT_THAT(one().working, ElementsAre(0.5, 0));
}

// The outcome is the first of these that applies: NON_FINITE, REJECTED,
// TRUNCATED, FROZEN, LIMITED, ADAPTED.
TEST_F(GuardsTest, OutcomesHaveTheirPrecedence) {
  problem_.settings.max_drift = 0.5f;
  problem_.settings.steps = 3;
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  problem_.deadline = now_ + absl::Milliseconds(25);
  EXPECT_EQ(Run().outcome, Outcome::kTruncated);  // Also limited.
  EXPECT_FLOAT_EQ(problem_.decision_or->report.drift, 0.5f);

  world_.ones = {One()};
  problem_.deadline = now_ + absl::Milliseconds(25);
  problem_.settings.max_action_change = 1e-4f;
  EXPECT_EQ(Run().outcome, Outcome::kRejected);  // Also truncated and limited.

  world_.ones = {One()};
  problem_.deadline = absl::InfiniteFuture();
  world_.spoil = [this](int, Evaluation& evaluation) {
    if (one().differentiations == 2) evaluation.objective = kNan;
  };
  EXPECT_EQ(Run().outcome, Outcome::kNonFinite);  // Also rejected.
  EXPECT_EQ(problem_.decision_or->report.drift, 0);
}

}  // namespace
}  // namespace foresight

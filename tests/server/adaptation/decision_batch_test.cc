#include "server/adaptation/decision_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/outcome_names.h"
#include "tests/support/quadratic_policies.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatNear;
using One = QuadraticWorld::One;
using Evaluation = WorkingPolicies::Evaluation;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// One decision of steps = 4 and step_size = 0.25 without guards: psi climbs
// from 0 to (1 - 0.75^4, 0), J from -1/2.
class DecisionBatchTest : public ::testing::Test {
 protected:
  DecisionBatchTest() : world_{{One()}} {
    problem_.settings.steps = 4;
    problem_.settings.step_size = 0.25f;
    problem_.settings.max_gradient_norm = 0;
  }

  const Report& Run() {
    QuadraticEngine(world_, [this] { return now_; }).Adapt({&problem_, 1});
    EXPECT_TRUE(problem_.decision_or.ok()) << problem_.decision_or.status();
    return problem_.decision_or->report;
  }

  absl::StatusCode RunToError() {
    QuadraticEngine(world_, [this] { return now_; }).Adapt({&problem_, 1});
    return problem_.decision_or.status().code();
  }

  // psi[0] after `steps` steps of 0.25.
  static double Climbed(int steps) { return 1 - std::pow(0.75, steps); }

  One& one() { return world_.ones[0]; }

  absl::Time now_ = absl::UnixEpoch();
  Problem problem_;
  QuadraticWorld world_;
};

TEST_F(DecisionBatchTest, TakesEveryStepAndReports) {
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

TEST_F(DecisionBatchTest, NoStepsAskedForIsFrozen) {
  problem_.settings.steps = 0;
  one().start = one().working = {0.5, -0.25};
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(report.objective_before, 0);
  EXPECT_FLOAT_EQ(report.action_change, 0.5f);
  EXPECT_FLOAT_EQ(report.drift, std::hypot(0.5, 0.25));
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.5f, -0.25f));
}

TEST_F(DecisionBatchTest, ObjectiveAfterIsAtTheFinalPolicyWithTheFirstBank) {
  problem_.report_objective_after = true;
  one().acceptance_top = {7, 7};
  EXPECT_FLOAT_EQ(Run().objective_after.value(),
                  -std::pow(1 - Climbed(4), 2) / 2);
}

TEST_F(DecisionBatchTest, GradientNormIsLimitedAndReportedUnlimited) {
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

TEST_F(DecisionBatchTest, GradientShorterThanTheLimitIsLeftAlone) {
  problem_.settings.max_gradient_norm = 1;
  Run();
  EXPECT_DOUBLE_EQ(one().working[0], Climbed(4));
}

TEST_F(DecisionBatchTest, NonFiniteObjectiveEndsTheStepsAtTheLastGoodOne) {
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    world_.ones = {One()};
    world_.spoil = [&](int, Evaluation& evaluation) {
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

TEST_F(DecisionBatchTest, NonFiniteGradientTakesNoStep) {
  world_.spoil = [&](int, Evaluation& evaluation) {
    evaluation.gradient_norm = kNan;
  };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_EQ(one().working, one().start);
}

TEST_F(DecisionBatchTest, NonFinitePolicyIsRetracted) {
  one().start = one().working = {0.25, 0};
  one().top = {1e300, 0};  // The gradient is finite, the step is not.
  problem_.settings.step_size = 1e38f;
  world_.spoil = [](int, Evaluation& evaluation) { evaluation.objective = 0; };
  world_.spoil_action = [](int, QuadraticWorld::Vector& action) {
    if (std::isinf(action[0])) action[0] = 1;  // As tanh would.
  };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_THAT(one().working, ElementsAre(0.25, 0));
  EXPECT_FLOAT_EQ(report.drift, 0.25f);
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.25f, 0));
}

TEST_F(DecisionBatchTest, NonFiniteNewActionIsRetracted) {
  world_.spoil_action = [](int, QuadraticWorld::Vector& action) {
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

TEST_F(DecisionBatchTest, SessionsActionThatIsNotFiniteGivesTheFrozenOne) {
  problem_.settings.steps = 0;
  one().pretrained = {0.5, 0.5};
  one().start = one().working = {kNan, 0};
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kNonFinite);
  EXPECT_EQ(report.action_change, 0);
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(0.5f, 0.5f));
}

TEST_F(DecisionBatchTest, FrozenActionThatIsNotFiniteIsAnError) {
  one().pretrained = {kInfinity, 0};
  EXPECT_EQ(RunToError(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(one().differentiations, 0);
  EXPECT_FALSE(one().committed);
}

TEST_F(DecisionBatchTest, ActionsAreClampedToOne) {
  problem_.settings.steps = 0;
  one().start = one().working = {1.0000002, -1.0000002};
  Run();
  EXPECT_THAT(problem_.decision_or->action, ElementsAre(1, -1));
}

TEST_F(DecisionBatchTest, DeadlineBetweenStepsTruncates) {
  problem_.deadline = now_ + absl::Milliseconds(25);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  const Report& report = Run();
  // The third step would end at 30 ms: it is dropped.
  EXPECT_EQ(report.outcome, Outcome::kTruncated);
  EXPECT_EQ(report.steps_done, 2);
  EXPECT_DOUBLE_EQ(one().working[0], Climbed(2));
  EXPECT_TRUE(one().committed);
}

TEST_F(DecisionBatchTest, NoStepIsBegunOnceTheDeadlineHasCome) {
  problem_.deadline = now_;
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(one().differentiations, 0);
}

TEST_F(DecisionBatchTest, DeadlineInTheFirstStepIsFrozen) {
  problem_.deadline = now_ + absl::Milliseconds(5);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(report.steps_done, 0);
  EXPECT_EQ(report.objective_before, 0);
}

TEST_F(DecisionBatchTest, ObjectiveAfterIsLeftOutWithoutTime) {
  problem_.report_objective_after = true;
  problem_.deadline = now_ + absl::Milliseconds(25);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  EXPECT_FALSE(Run().objective_after.has_value());
}

TEST_F(DecisionBatchTest, CancelledDecisionIsNeverCommitted) {
  std::atomic<bool> cancelled = true;
  problem_.cancelled = &cancelled;
  EXPECT_EQ(RunToError(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(one().committed);
}

TEST_F(DecisionBatchTest, CancellingWorksUpToTheEnd) {
  problem_.report_objective_after = true;  // One evaluation after four steps.
  for (int during = 1; during <= 9; ++during) {
    world_.ones = {One()};
    std::atomic<bool> cancelled = false;
    problem_.cancelled = &cancelled;
    int calls = 0;
    world_.meanwhile = [&] {
      if (++calls == during) cancelled = true;
    };
    EXPECT_EQ(RunToError(), absl::StatusCode::kCancelled);
    EXPECT_EQ(one().differentiations, std::min((during + 1) / 2, 4));
    EXPECT_FALSE(one().committed);
  }
}

TEST_F(DecisionBatchTest, AcceptGuardIsLeftTimeToJudge) {
  problem_.settings.steps = 100;
  problem_.settings.accept_only_improvement = true;
  problem_.deadline = now_ + absl::Milliseconds(55);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  // Steps end at 10, 20, 30 and 40 ms and the judgement at 50 ms. After a fifth
  // step the judgement would end too late.
  const Report& report = Run();
  EXPECT_EQ(report.outcome, Outcome::kTruncated);
  EXPECT_EQ(report.steps_done, 4);
}

TEST_F(DecisionBatchTest, ProblemsOfACallDoNotTouchOneAnother) {
  std::vector<Problem> problems(5, problem_);
  Problem &other = problems[1], &bad = problems[2], &late = problems[3],
          &gone = problems[4];
  other.settings.steps = 2;
  late.deadline = now_;
  const std::atomic<bool> cancelled = true;
  gone.cancelled = &cancelled;
  world_.ones.resize(5);
  // The next problem gets the refused one's place.
  world_.spoil_action = [&, count = 0](int i, auto& action) mutable {
    if (i == 2 && count++ == 0) action[0] = kNan;
  };
  QuadraticEngine(world_, [this] {
    return now_;
  }).Adapt(absl::MakeSpan(problems));
  EXPECT_EQ(problems[0].decision_or->report.steps_done, 4);
  EXPECT_EQ(other.decision_or->report.steps_done, 2);
  EXPECT_EQ(bad.decision_or.status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(late.decision_or->report.outcome, Outcome::kFrozen);
  EXPECT_EQ(gone.decision_or.status().code(), absl::StatusCode::kCancelled);
  EXPECT_DOUBLE_EQ(world_.ones[0].working[0], Climbed(4));
  EXPECT_DOUBLE_EQ(world_.ones[1].working[0], Climbed(2));
}

TEST_F(DecisionBatchTest, NoProblemsAreNoWork) {
  QuadraticEngine(world_, MonotonicNow).Adapt({});
  EXPECT_FALSE(one().committed);
}

TEST_F(DecisionBatchTest, PlanIsOfTheFinalPolicyAndClamped) {
  problem_.plan_length = 3;
  world_.spoil_plan = [](int row, auto& action) { action[1] = 2 * row - 2; };
  Run();
  const float a = static_cast<float>(Climbed(4));
  EXPECT_THAT(problem_.decision_or->plan, ElementsAre(a, -1, a, 0, a, 1));
  problem_.plan_length = 0;
  Run();
  EXPECT_THAT(problem_.decision_or->plan, ElementsAre());
}

TEST_F(DecisionBatchTest, PlanEndsBeforeTheFirstValueThatIsNotFinite) {
  problem_.plan_length = 4;
  problem_.settings.steps = 0;
  for (const double bad : {kNan, kInfinity}) {
    world_.spoil_plan = [&](int row, auto& action) {
      if (row == 2) action[1] = bad;
    };
    Run();
    EXPECT_THAT(problem_.decision_or->plan, ElementsAre(0, 0, 0, 0));
  }
}

TEST_F(DecisionBatchTest, PlanEndsAtTheDeadline) {
  problem_.plan_length = 64;
  problem_.settings.steps = 1;
  problem_.deadline = now_ + absl::Milliseconds(25);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  // The step ends at 10 ms, the rows at 15, 20 and 25 ms.
  EXPECT_EQ(Run().outcome, Outcome::kAdapted);
  EXPECT_EQ(problem_.decision_or->plan.size(), 2 * 2);
}

TEST_F(DecisionBatchTest, CancellingWorksWhileAPlanIsMade) {
  std::atomic<bool> cancelled = false;
  problem_.cancelled = &cancelled;
  problem_.plan_length = 2;
  world_.spoil_plan = [&](int, auto&) { cancelled = true; };
  EXPECT_EQ(RunToError(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(one().committed);
}

TEST_F(DecisionBatchTest, WholeStepsAreTimed) {
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  problem_.report_objective_after = true;  // Not a step.
  Run();
  EXPECT_EQ(problem_.timing.whole_steps, 4);
  EXPECT_EQ(problem_.timing.whole, absl::Milliseconds(40));
  EXPECT_EQ(problem_.timing.last, absl::Milliseconds(10));
  EXPECT_EQ(problem_.timing.cut, absl::ZeroDuration());
  Run();
  EXPECT_EQ(problem_.timing.whole_steps, 4);
}

TEST_F(DecisionBatchTest, CutStepLeavesALowerBoundOfItsTime) {
  problem_.deadline = now_ + absl::Milliseconds(25);
  world_.meanwhile = [this] { now_ += absl::Milliseconds(5); };
  Run();
  EXPECT_EQ(problem_.timing.whole_steps, 2);
  EXPECT_EQ(problem_.timing.whole, absl::Milliseconds(20));
  EXPECT_EQ(problem_.timing.cut, absl::Milliseconds(10));
}

TEST_F(DecisionBatchTest, StepThatIsNotBegunLeavesNoTime) {
  problem_.deadline = now_;
  Run();
  EXPECT_EQ(problem_.timing.whole_steps, 0);
  EXPECT_EQ(problem_.timing.cut, absl::ZeroDuration());
}

// A batch of three problems of four steps.
class BatchTest : public DecisionBatchTest {
 protected:
  BatchTest() {
    world_.ones.resize(3);
    problems_.resize(3, problem_);
    for (Problem& problem : problems_) pointers_.push_back(&problem);
  }

  void AdmitAll() {
    for (Problem* problem : pointers_) ASSERT_TRUE(batch_->Admit(problem));
  }
  int StepsDone(int i) { return problems_[i].decision_or->report.steps_done; }

  std::vector<Problem> problems_;
  std::vector<Problem*> pointers_;
  QuadraticEngine engine_{world_, [this] { return now_; }};
  std::unique_ptr<Batch> batch_ = engine_.NewBatch();
};

TEST_F(BatchTest, ProblemsJoinAndLeaveBetweenSteps) {
  Problem *a = pointers_[0], *b = pointers_[1], *c = pointers_[2];
  ASSERT_TRUE(batch_->Admit(a));
  batch_->Step({a});
  ASSERT_TRUE(batch_->Admit(b));
  batch_->Step({b, a});
  batch_->Retire({a});
  ASSERT_TRUE(batch_->Admit(c));  // Takes the place of `a`.
  EXPECT_TRUE(world_.ones[0].committed);
  world_.ones[0] = One();
  for (int i = 0; i < 3; ++i) batch_->Step({c, b});
  EXPECT_FALSE(batch_->WantsStep(*b));
  EXPECT_TRUE(batch_->WantsStep(*c));
  batch_->Step({c});
  batch_->Retire({b, c});
  EXPECT_EQ(StepsDone(0), 2);
  EXPECT_EQ(StepsDone(1), 4);
  EXPECT_EQ(StepsDone(2), 4);
  EXPECT_DOUBLE_EQ(world_.ones[0].working[0], Climbed(4));
  EXPECT_DOUBLE_EQ(world_.ones[1].working[0], Climbed(4));
}

TEST_F(BatchTest, RetiredEarlyIsTruncatedAndWithoutAStepFrozen) {
  AdmitAll();
  batch_->Step({pointers_[0]});
  batch_->Retire(pointers_);
  EXPECT_EQ(problems_[0].decision_or->report.outcome, Outcome::kTruncated);
  EXPECT_EQ(problems_[1].decision_or->report.outcome, Outcome::kFrozen);
}

TEST_F(BatchTest, AProblemOutsideTheBatchWantsNoStep) {
  EXPECT_FALSE(batch_->WantsStep(problems_[0]));
  world_.ones[0].pretrained = {kNan, 0};
  EXPECT_FALSE(batch_->Admit(pointers_[0]));
  EXPECT_FALSE(batch_->WantsStep(problems_[0]));
  EXPECT_EQ(problems_[0].decision_or.status().code(),
            absl::StatusCode::kInvalidArgument);
  world_.ones[0] = One();
  EXPECT_TRUE(batch_->Admit(pointers_[1]));
  EXPECT_TRUE(batch_->WantsStep(problems_[1]));
  batch_->Retire({pointers_[1]});
  EXPECT_FALSE(batch_->WantsStep(problems_[1]));
}

TEST_F(BatchTest, CancelledProblemWantsNoStep) {
  std::atomic<bool> cancelled = false;
  problems_[1].cancelled = &cancelled;
  AdmitAll();
  batch_->Step(pointers_);
  cancelled = true;
  EXPECT_FALSE(batch_->WantsStep(problems_[1]));
  batch_->Step(pointers_);
  cancelled = false;
  EXPECT_TRUE(batch_->WantsStep(problems_[0]));
  EXPECT_FALSE(batch_->WantsStep(problems_[1]));
  batch_->Retire(pointers_);
  EXPECT_EQ(StepsDone(0), 2);
  EXPECT_EQ(problems_[1].decision_or.status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_FALSE(world_.ones[1].committed);
}

// Joint calls fail in each phase; the culprit's calls fail alone, too.
TEST_F(BatchTest, FailuresHitOnlyTheProblemThatCausesThem) {
  for (const std::string function :
       {"Act", "Differentiate", "Evaluate", "Ascend", "Pull", "Drift",
        "PrepareCommit"}) {
    for (const int culprit : {-1, 0, 2}) {
      world_.ones.assign(3, One());
      for (Problem& problem : problems_) {
        problem.settings.accept_only_improvement = true;
        problem.settings.max_drift = 0.5f;
      }
      AdmitAll();
      int thrown = 0;
      world_.after = [&](const std::string& where,
                         absl::Span<const int> which) {
        const bool alone = which.size() == 1 && which[0] == culprit;
        if (where != function || (which.size() == 1 && !alone)) return;
        ++thrown;
        throw std::bad_alloc();
      };
      for (int step = 0; step < 4; ++step) {
        std::vector<Problem*> stepping;
        for (Problem* problem : pointers_) {
          if (batch_->WantsStep(*problem)) stepping.push_back(problem);
        }
        batch_->Step(stepping);
      }
      batch_->Retire(pointers_);
      world_.after = [](const std::string&, absl::Span<const int>) {};
      EXPECT_GT(thrown, 0) << function;
      for (int i = 0; i < 3; ++i) {
        const absl::Status status = problems_[i].decision_or.status();
        EXPECT_EQ(world_.ones[i].committed, i != culprit);
        if (i == culprit) {
          EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
          continue;
        }
        ASSERT_TRUE(status.ok()) << function << ": " << status;
        EXPECT_EQ(StepsDone(i), 4);
        EXPECT_EQ(problems_[i].decision_or->report.outcome, Outcome::kLimited);
        EXPECT_DOUBLE_EQ(world_.ones[i].working[0], 0.5);
        EXPECT_FLOAT_EQ(problems_[i].decision_or->action[0], 0.5f);
      }
    }
  }
}

TEST_F(BatchTest, FailureOnAdmissionIsAnError) {
  world_.after = [&](const std::string& where, absl::Span<const int>) {
    if (where == "Begin") throw std::runtime_error("no place");
  };
  EXPECT_FALSE(batch_->Admit(pointers_[0]));
  EXPECT_EQ(problems_[0].decision_or.status(), absl::InternalError("no place"));
}

}  // namespace
}  // namespace foresight

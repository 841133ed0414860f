// Every engine stops in time and leaves a valid state.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <vector>

#include "server/adaptation/engine.h"
#include "tests/support/engine_test.h"

namespace foresight {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

// Uses a clock that stands still; when it is read for the n-th time, an event
// occurs. Engines read it between blocks of work, so each n interrupts them at
// a different place.
class EngineDeadlineTest : public EngineTest {
 protected:
  EngineDeadlineTest()
      : EngineTest(Weights(), [this] {
          if (++reads_ == strike_) at_strike_();
          return now_;
        }) {
    for (int steps = 0; steps <= 3; ++steps) {
      Restart();
      Problem problem = MakeProblem();
      problem.settings.steps = steps;
      Run(problem);
      psi_after_.push_back(psi_->Export());
    }
  }

  absl::Time now_ = absl::UnixEpoch();
  int reads_ = 0;
  int strike_ = 0;
  std::function<void()> at_strike_;
  std::vector<std::vector<float>> psi_after_;  // After 0..3 undisturbed steps.
};

INSTANTIATE_TEST_SUITE_P(Engines, EngineDeadlineTest,
                         ::testing::ValuesIn(AllEngines()), NameOf);

TEST_P(EngineDeadlineTest, ComesAtAnyTimeAndLeavesTheStepsDoneSoFar) {
  std::vector<int> cuts(4);
  const absl::Time deadline = now_ + absl::Seconds(1);
  at_strike_ = [&] { now_ = deadline; };
  for (strike_ = 1;; ++strike_) {
    Restart();
    now_ = absl::UnixEpoch();
    reads_ = 0;
    Problem problem = MakeProblem();
    problem.deadline = deadline;
    const Report& report = Run(problem);
    EXPECT_EQ(psi_->Export(), psi_after_[report.steps_done]);
    if (reads_ < strike_) break;  // There was no n-th reading.
    ++cuts[report.steps_done];
    EXPECT_EQ(report.outcome, report.steps_done == 0   ? Outcome::kFrozen
                              : report.steps_done == 3 ? Outcome::kAdapted
                                                       : Outcome::kTruncated);
  }
  // The clock is read at each step's beginning and end and around each of its
  // four transitions, forward and back. So there are at least 10 places at
  // which the step is dropped.
  for (int steps = 0; steps < 3; ++steps) EXPECT_GE(cuts[steps], 10);
}

TEST_P(EngineDeadlineTest, CancellingAtAnyTimeLeavesThePolicyUnchanged) {
  for (const Mode mode : {Mode::kPersist, Mode::kReset}) {
    for (strike_ = 1;; ++strike_) {
      ASSERT_TRUE(psi_->Import(psi_after_[2]).ok());
      reads_ = 0;
      std::atomic<bool> cancelled = false;
      at_strike_ = [&] { cancelled = true; };
      Problem problem = MakeProblem();
      problem.settings.mode = mode;
      problem.settings.accept_only_improvement = true;
      problem.report_objective_after = true;
      problem.deadline = now_ + absl::Seconds(1);
      problem.cancelled = &cancelled;
      engine_->Adapt(absl::MakeSpan(&problem, 1));
      if (reads_ < strike_) break;
      EXPECT_EQ(problem.decision_or.status().code(),
                absl::StatusCode::kCancelled);
      EXPECT_EQ(psi_->Export(), psi_after_[2]);
      EXPECT_LE(reads_, strike_ + 3);  // Work stops at once.
    }
    EXPECT_GT(strike_, 30);
  }
}

TEST_P(EngineDeadlineTest, DeadlineInThePastStillGivesTheCurrentAction) {
  Problem problem = MakeProblem();
  ASSERT_TRUE(psi_->Import(psi_after_[2]).ok());
  problem.deadline = absl::InfinitePast();
  const Report& report = Run(problem);
  EXPECT_EQ(report.outcome, Outcome::kFrozen);
  EXPECT_EQ(psi_->Export(), psi_after_[2]);
  EXPECT_THAT(problem.decision_or->action,
              Pointwise(FloatNear(1e-6f), PolicyOf(psi_after_[2])));
}

}  // namespace
}  // namespace foresight

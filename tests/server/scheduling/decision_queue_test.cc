#include "server/scheduling/decision_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {
namespace {

constexpr absl::Duration kMs = absl::Milliseconds(1);
const absl::Time kStart = absl::UnixEpoch() + absl::Hours(1);

absl::Time At(double ms) { return kStart + ms * kMs; }

class DecisionQueueTest : public ::testing::Test {
 protected:
  void Start(int lanes = 1) {
    DecisionQueue::Options options;
    options.lanes = lanes;
    Start(options);
  }
  void Start(DecisionQueue::Options options) { queue_.emplace(options); }

  // A decision with steps of 4 ms, a frozen answer of 0.1 ms and 50 ms of time.
  static DecisionQueue::Entry Make(uint64_t id, const std::string& session,
                                   double now_ms) {
    DecisionQueue::Entry decision;
    decision.id = id;
    decision.owner = "owner";
    decision.session = session;
    decision.deadline = At(now_ms + 50);
    decision.frozen_time = 0.1 * kMs;
    decision.kind = {1, 5, 10, 10, 1};
    decision.steps = 1;
    decision.prior_step.one = 4 * kMs;
    return decision;
  }
  // A decision with steps of 30 ms, so that there is no time for two.
  static DecisionQueue::Entry MakeLong(uint64_t id, const std::string& session,
                                       double now_ms) {
    DecisionQueue::Entry decision = Make(id, session, now_ms);
    decision.kind.particles = 64;
    decision.prior_step.one = 30 * kMs;
    return decision;
  }
  void Push(const DecisionQueue::Entry& decision, double now_ms) {
    const auto pushed = queue_->Push(decision, At(now_ms));
    ASSERT_TRUE(pushed.ok()) << pushed.status();
  }
  // Shows a turn as "adapt 3", "freeze 3" or "none".
  static std::string Show(const std::optional<DecisionQueue::Turn>& turn) {
    if (!turn) return "none";
    return absl::StrCat(turn->adapt ? "adapt " : "freeze ", turn->id);
  }
  std::string Pop(double now_ms) { return Show(queue_->Pop(At(now_ms))); }
  std::string PopDue(double now_ms) { return Show(queue_->PopDue(At(now_ms))); }
  // Ends a whole step of `id` at `now_ms`.
  void EndTurn(uint64_t id, double now_ms, double taken_ms = 4) {
    queue_->CountStep({id}, 1, taken_ms * kMs, true, At(now_ms));
    queue_->Finish(id);
  }

  std::optional<DecisionQueue> queue_;
};

TEST_F(DecisionQueueTest, AFreeLaneGetsADecisionAtOnce) {
  Start();
  EXPECT_EQ(Pop(0), "none");
  Push(Make(1, "a", 0), 0);
  EXPECT_EQ(PopDue(0), "none");
  EXPECT_EQ(Pop(0), "adapt 1");
  EXPECT_EQ(queue_->size(), 0u);
}

// A decision with little time is given a moment to start if a lane is free.
TEST_F(DecisionQueueTest, ALaneThatHelpsIsNotFree) {
  Start();
  DecisionQueue::Entry hasty = Make(1, "a", 0);
  hasty.deadline = At(4.2);
  queue_->BeginHelp();
  Push(hasty, 0);
  EXPECT_LT(queue_->next_due(), At(0.2));
  ASSERT_TRUE(queue_->Remove(1));
  queue_->EndHelp();
  Push(hasty, 0);
  EXPECT_EQ(queue_->next_due(), At(1));
}

TEST_F(DecisionQueueTest, OneWithoutStepsIsDueAtOnce) {
  Start();
  DecisionQueue::Entry frozen = Make(1, "a", 0);
  frozen.steps = 0;
  Push(frozen, 0);
  EXPECT_LE(queue_->next_due(), At(0));
  EXPECT_EQ(PopDue(0), "freeze 1");
}

TEST_F(DecisionQueueTest, AfterPartOfItsTimeADecisionGetsItsFrozenAnswer) {
  Start();
  Push(Make(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  Push(Make(2, "b", 0), 0);
  EXPECT_EQ(queue_->next_due(), At(25));  // Half of 50 ms.
  EXPECT_EQ(PopDue(24.9), "none");
  EXPECT_EQ(PopDue(25), "freeze 2");
}

TEST_F(DecisionQueueTest, ADecisionWithALotOfTimeWaitsAlmostUntilItsDeadline) {
  Start();
  Push(Make(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  DecisionQueue::Entry patient = Make(2, "b", 0);
  patient.deadline = At(10000);
  Push(patient, 0);
  EXPECT_EQ(queue_->next_due(), At(9900));
}

TEST_F(DecisionQueueTest, AStepThatCouldNotEndInTimeIsNotBegun) {
  Start();
  DecisionQueue::Entry hasty = Make(1, "a", 0);
  hasty.deadline = At(4);  // The step takes 4 ms, the answer 0.1 ms.
  Push(hasty, 0);
  EXPECT_EQ(Pop(0), "freeze 1");
  hasty = Make(2, "b", 0);
  hasty.deadline = At(4.2);
  Push(hasty, 0);
  EXPECT_EQ(Pop(0), "adapt 2");
}

TEST_F(DecisionQueueTest, ALaterStepThatCouldNotEndInTimeIsNotBegun) {
  Start();
  DecisionQueue::Entry decision = Make(1, "a", 0);
  decision.steps = 20;
  Push(decision, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EXPECT_TRUE(queue_->MayStep(1, 1, 1, At(45.8)));
  EXPECT_FALSE(queue_->MayStep(1, 1, 1, At(46)));
}

TEST_F(DecisionQueueTest, TheGuardsTimeIsKeptAfterTheLastStep) {
  Start();
  DecisionQueue::Entry decision = Make(1, "a", 0);
  decision.reserve = 8 * kMs;
  Push(decision, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EXPECT_TRUE(queue_->MayStep(1, 1, 1, At(37.8)));
  EXPECT_FALSE(queue_->MayStep(1, 1, 1, At(38)));
}

TEST_F(DecisionQueueTest, WithTimeForAllTheEarliestGoesFirst) {
  Start();
  Push(Make(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EndTurn(1, 4);
  DecisionQueue::Entry later = Make(2, "b", 4);
  later.deadline = At(60);
  Push(later, 4);
  Push(Make(3, "a", 5), 5);
  EXPECT_EQ(Pop(5), "adapt 3");
  EXPECT_EQ(Pop(5), "adapt 2");
}

TEST_F(DecisionQueueTest, WithoutTimeForAllTheLeastServedSessionGoesFirst) {
  Start();
  Push(MakeLong(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EndTurn(1, 30, 30);
  Push(MakeLong(2, "a", 30), 30);
  Push(MakeLong(3, "b", 31), 31);
  EXPECT_EQ(Pop(31), "adapt 3");
  EXPECT_EQ(Pop(31), "adapt 2");
}

TEST_F(DecisionQueueTest, WithoutTimeForAllTheLeastServedOwnerGoesFirst) {
  Start();
  Push(MakeLong(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EndTurn(1, 30, 30);
  // "b" had no service, but its owner had.
  Push(MakeLong(2, "b", 30), 30);
  DecisionQueue::Entry other = MakeLong(3, "c", 31);
  other.owner = "another";
  Push(other, 31);
  EXPECT_EQ(Pop(31), "adapt 3");
}

TEST_F(DecisionQueueTest, ADecisionWithALotOfTimeIsNotDelayedForLong) {
  Start();
  Push(Make(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  DecisionQueue::Entry patient = Make(2, "b", 0);
  patient.deadline = At(10000);
  Push(patient, 0);
  Push(Make(3, "a", 10), 10);
  EXPECT_EQ(Pop(10), "adapt 3");
  Push(Make(4, "a", 40), 40);
  EXPECT_EQ(Pop(40), "adapt 2");
}

TEST_F(DecisionQueueTest, ServiceOfLongAgoCountsLess) {
  Start();
  Push(MakeLong(1, "a", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EndTurn(1, 31, 31);
  Push(MakeLong(2, "b", 20000), 20000);
  ASSERT_EQ(Pop(20000), "adapt 2");
  EndTurn(2, 20030, 30);
  Push(MakeLong(3, "b", 20030), 20030);
  Push(MakeLong(4, "a", 20030), 20030);
  EXPECT_EQ(Pop(20030), "adapt 4");
}

// 16 sessions on a machine that carries 4: each gets its share, whatever its
// phase.
TEST_F(DecisionQueueTest, StepsAreShedEvenly) {
  Start();
  std::map<int, int> adapted;
  uint64_t id = 0;
  double free_at = 0;
  std::map<uint64_t, int> session_of;
  for (double now = 0; now < 20000; now += 0.5) {
    for (int s = 0; s < 16; ++s) {
      // All are nearly synchronised, the worst case for a queue ordered by age.
      if (static_cast<int>(2 * now) % 40 != s % 2) continue;
      Push(Make(++id, absl::StrCat(s), now), now);
      session_of[id] = s;
    }
    while (const auto due = queue_->PopDue(At(now))) queue_->Finish(due->id);
    if (now < free_at) continue;
    if (const auto turn = queue_->Pop(At(now))) {
      if (turn->adapt) {
        ++adapted[session_of[turn->id]];
        EndTurn(turn->id, now);
        free_at = now + 4;
      }
    }
  }
  int least = 1 << 30, most = 0;
  for (const auto& [session, count] : adapted) {
    least = std::min(least, count);
    most = std::max(most, count);
  }
  EXPECT_EQ(adapted.size(), 16u);
  EXPECT_LE(most, 1.2 * least);
}

TEST_F(DecisionQueueTest, ANewcomerDoesNotHoldEverybodyUp) {
  Start();
  DecisionQueue::Entry old = Make(1, "a", 0);
  old.owner = "old";
  Push(old, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EndTurn(1, 3000, 3000);  // Three seconds of service.
  old = MakeLong(2, "a", 3000);
  old.owner = "old";
  Push(old, 3000);
  // A newcomer gets at most 0.1 s before "old" continues.
  double service = 0;
  for (uint64_t id = 10; id < 1000; ++id) {
    DecisionQueue::Entry fresh = MakeLong(id, "f", 3000);
    fresh.owner = "new";
    Push(fresh, 3000);
    const std::string turn = Pop(3000);
    if (turn == "adapt 2") break;
    ASSERT_EQ(turn, absl::StrCat("adapt ", id));
    EndTurn(id, 3000, 30);
    service += 30;
  }
  EXPECT_GE(service, 30);
  EXPECT_LE(service, 130);
}

TEST_F(DecisionQueueTest, ADecisionThatCannotWaitInterruptsALongTurn) {
  Start();
  DecisionQueue::Entry long_one = Make(1, "a", 0);
  long_one.steps = 1000;
  long_one.deadline = At(10000);
  Push(long_one, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  queue_->CountStep({1}, 1, 4 * kMs, true, At(4));
  Push(Make(2, "b", 4), 4);
  EXPECT_EQ(Show(queue_->PopUrgent(1, 999, At(4))), "adapt 2");
}

TEST_F(DecisionQueueTest, ADecisionWithMoreServiceDoesNotInterrupt) {
  Start();
  Push(Make(5, "b", 0), 0);
  ASSERT_EQ(Pop(0), "adapt 5");
  EndTurn(5, 4);
  DecisionQueue::Entry long_one = Make(1, "a", 4);
  long_one.steps = 1000;
  long_one.deadline = At(10000);
  Push(long_one, 4);
  ASSERT_EQ(Pop(4), "adapt 1");
  Push(Make(2, "b", 4), 4);
  EXPECT_EQ(Show(queue_->PopUrgent(1, 999, At(4))), "none");
}

TEST_F(DecisionQueueTest, ADecisionThatCanWaitDoesNotInterrupt) {
  Start();
  DecisionQueue::Entry first = Make(1, "a", 0);
  first.steps = 3;
  Push(first, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  queue_->CountStep({1}, 1, 4 * kMs, true, At(4));
  Push(Make(2, "b", 4), 4);
  EXPECT_EQ(Show(queue_->PopUrgent(1, 2, At(4))), "none");  // Due at 29.
}

// A flood of hopeless or patient decisions must not keep a long turn going.
TEST_F(DecisionQueueTest, OthersWithLessServiceDoNotHideAnUrgentDecision) {
  Start();
  DecisionQueue::Entry long_one = Make(1, "a", 0);
  long_one.owner = "greedy";
  long_one.steps = 1000;
  long_one.deadline = At(10000);
  Push(long_one, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  queue_->CountStep({1}, 1, 4 * kMs, true, At(4));
  DecisionQueue::Entry patient = MakeLong(2, "b", 4);
  patient.deadline = At(20000);
  patient.owner = "patient";
  Push(patient, 4);
  DecisionQueue::Entry hopeless = Make(3, "c", 4);
  hopeless.owner = "hopeless";
  hopeless.deadline = At(13);  // It comes too late for a step of 4 ms.
  hopeless.reserve = 5 * kMs;
  Push(hopeless, 4);
  DecisionQueue::Entry beside = patient;  // Has the owner of `urgent`.
  beside.id = 4;
  beside.owner = "loop";
  Push(beside, 4);
  DecisionQueue::Entry urgent = Make(5, "d", 4);
  urgent.owner = "loop";
  Push(urgent, 4);
  EXPECT_EQ(Show(queue_->PopUrgent(1, 999, At(5))), "adapt 5");
}

TEST_F(DecisionQueueTest, ALongPlanWaitsForATurnOfItsOwner) {
  Start();
  DecisionQueue::Entry planner = Make(1, "a", 0);
  planner.owner = "planner";
  planner.steps = 0;
  planner.plan_time = 6 * kMs;
  for (uint64_t id = 1; id <= 20; ++id) {
    planner.id = id;
    Push(planner, 0);
  }
  EXPECT_FALSE(queue_->PopDue(At(0))) << "it delays the frozen answers";
  ASSERT_EQ(Pop(0), "adapt 1");
  queue_->CountOther(1, 6 * kMs, At(6));
  queue_->Finish(1);
  DecisionQueue::Entry loop = Make(30, "b", 6);
  loop.owner = "loop";
  Push(loop, 6);
  EXPECT_EQ(Pop(6), "adapt 30");
  // Once due, it is answered without a plan.
  EXPECT_EQ(Show(queue_->PopDue(At(26))), "freeze 2");
}

TEST_F(DecisionQueueTest, LateDecisionsAreAnsweredBeforeDueOnes) {
  Start();
  for (const uint64_t id : {1, 2}) {
    DecisionQueue::Entry frozen = Make(id, "a", 0);
    frozen.owner = absl::StrCat("owner ", id);
    frozen.steps = 0;
    frozen.deadline = At(id == 1 ? 50 : 5);
    Push(frozen, 0);
  }
  EXPECT_EQ(PopDue(6), "freeze 2") << "of the owner that came later";
  EXPECT_EQ(PopDue(6), "freeze 1");
}

// A loop that asks when nobody else does could have a turn each time. If the
// parameter is true, each loop is an owner of its own.
class QuietLoopTest : public DecisionQueueTest,
                      public ::testing::WithParamInterface<bool> {
 protected:
  DecisionQueue::Entry MakeFor(const std::string& loop, double now_ms) {
    DecisionQueue::Entry decision = Make(++made_, loop, now_ms);
    if (GetParam()) decision.owner = loop;
    return decision;
  }
  // Ten other loops ask at once; the quiet one asks when they are answered.
  // Returns whether it got its step.
  bool RunRound(double begin_ms) {
    for (int i = 0; i < 10; ++i) {
      Push(MakeFor(absl::StrCat("loop ", i), begin_ms), begin_ms);
    }
    for (double now = begin_ms; now < begin_ms + 30; now += 4) {
      while (const auto turn = queue_->Pop(At(now))) {
        if (turn->adapt) {
          EndTurn(turn->id, now + 4);
          break;
        }
        queue_->Finish(turn->id);
      }
    }
    Push(MakeFor("quiet", begin_ms + 36), begin_ms + 36);
    const auto turn = queue_->Pop(At(begin_ms + 36));
    EXPECT_TRUE(turn.has_value());
    if (turn->adapt) {
      EndTurn(turn->id, begin_ms + 40);
    } else {
      queue_->Finish(turn->id);
    }
    return turn->adapt;
  }

 private:
  uint64_t made_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Apart, QuietLoopTest, ::testing::Bool());

TEST_P(QuietLoopTest, GetsLittleMoreThanLoopsThatLackTurns) {
  Start();
  int turns = 0;
  for (int round = 0; round < 200; ++round) {
    const bool turn = RunRound(50. * round);
    if (round >= 100) turns += turn;
  }
  EXPECT_LT(turns, 80) << "each of the others has about 70";
  EXPECT_GT(turns, 60);
}

TEST_F(DecisionQueueTest, DecisionsOfOneKindAreSteppedTogether) {
  Start();
  for (uint64_t id = 1; id <= 3; ++id) {
    Push(Make(id, absl::StrCat(id), 0), 0);
  }
  DecisionQueue::Entry other = Make(4, "d", 0);
  other.kind.particles = 64;
  Push(other, 0);
  ASSERT_EQ(Pop(0), "adapt 1");
  EXPECT_EQ(queue_->Join({1}, At(0)), 2u);
  // Three together would take 12 ms, more than a joint step may.
  EXPECT_EQ(queue_->Join({1, 2}, At(0)), std::nullopt);
}

// As on a GPU, where one step takes 30 ms and two take 32.
TEST_F(DecisionQueueTest, ThoseThatHardlyAddToAStepMayMakeItLong) {
  Start();
  for (uint64_t id = 1; id <= 12; ++id) {
    DecisionQueue::Entry entry = MakeLong(id, absl::StrCat(id), 0);
    entry.prior_step.further = 2 * kMs;
    Push(entry, 0);
  }
  ASSERT_EQ(Pop(0), "adapt 1");
  std::vector<uint64_t> ids = {1};
  while (const auto joined = queue_->Join(ids, At(0))) ids.push_back(*joined);
  // Eleven would take 50 ms, all of their time.
  EXPECT_EQ(ids.size(), 10u);
}

TEST_F(DecisionQueueTest, TheOtherLanesGetAsManyAsAreSteppedTogether) {
  Start(2);
  for (uint64_t id = 1; id <= 4; ++id) {
    DecisionQueue::Entry cheap = Make(id, absl::StrCat(id), 0);
    cheap.prior_step.one = kMs;
    Push(cheap, 0);
  }
  ASSERT_EQ(Pop(0), "adapt 1");
  EXPECT_EQ(queue_->Join({1}, At(0)), 2u);
  EXPECT_EQ(queue_->Join({1, 2}, At(0)), std::nullopt);
}

TEST_F(DecisionQueueTest, AWaitingDecisionCanBeTakenBack) {
  Start();
  Push(Make(1, "a", 0), 0);
  EXPECT_TRUE(queue_->Remove(1));
  EXPECT_FALSE(queue_->Remove(1));
  EXPECT_EQ(Pop(0), "none");
}

TEST_F(DecisionQueueTest, AFullQueueDropsADecisionOfTheOwnerWithTheMost) {
  DecisionQueue::Options options;
  options.max_size = 4;
  Start(options);
  for (uint64_t id = 1; id <= 4; ++id) {
    Push(Make(id, absl::StrCat(id), 0), 0);
  }
  EXPECT_EQ(ReasonName(queue_->Push(Make(5, "e", 0), At(0)).status()),
            "OVERLOADED");
  DecisionQueue::Entry other = Make(6, "f", 0);
  other.owner = "another";
  const auto pushed = queue_->Push(other, At(0));
  ASSERT_TRUE(pushed.ok()) << pushed.status();
  EXPECT_EQ(pushed->evicted, 4u);
  EXPECT_EQ(queue_->size(), 4u);
}

TEST_F(DecisionQueueTest, OneOwnerMayHaveOnlySoManyWaiting) {
  DecisionQueue::Options options;
  options.max_per_owner = 2;
  Start(options);
  Push(Make(1, "a", 0), 0);
  Push(Make(2, "b", 0), 0);
  const auto refused = queue_->Push(Make(3, "c", 0), At(0));
  EXPECT_EQ(ReasonName(refused.status()), "OVERLOADED");
  EXPECT_GT(RetryDelay(refused.status()), absl::ZeroDuration());
}

TEST_F(DecisionQueueTest, OneWhoseFrozenAnswerWouldBeLateIsRefused) {
  Start();
  for (uint64_t id = 1; id <= 20; ++id) {
    DecisionQueue::Entry frozen = Make(id, absl::StrCat(id), 0);
    frozen.steps = 0;
    frozen.frozen_time = kMs;
    Push(frozen, 0);
  }
  DecisionQueue::Entry hasty = Make(21, "z", 0);
  hasty.frozen_time = kMs;
  hasty.deadline = At(10);
  EXPECT_EQ(ReasonName(queue_->Push(hasty, At(0)).status()), "OVERLOADED");
  hasty.owner = "another";  // Not the owner of the 20 that it would wait for.
  Push(hasty, 0);
}

// The flood has more service and earlier deadlines than one loop.
TEST_F(DecisionQueueTest, AFloodOfAnswersGoesFirstOnlyWhileOthersCanWait) {
  Start();
  for (uint64_t id = 1; id <= 100; ++id) {
    DecisionQueue::Entry flood = Make(id, "", 0);
    flood.owner = "flood";
    flood.steps = 0;
    flood.deadline = At(48);
    Push(flood, 0);
  }
  ASSERT_EQ(PopDue(0), "freeze 1");
  queue_->CountOther(1, kMs, At(0));
  queue_->Finish(1);
  DecisionQueue::Entry loop = Make(200, "a", 0);
  loop.steps = 0;
  Push(loop, 0);
  EXPECT_EQ(PopDue(1), "freeze 2");
  EXPECT_EQ(PopDue(46), "freeze 200");
}

// Otherwise many answers with time to spare would make loops late.
TEST_F(DecisionQueueTest, AnswersThatCanWaitLetOthersGoFirst) {
  Start();
  for (uint64_t id = 1; id <= 500; ++id) {
    DecisionQueue::Entry patient = Make(id, "", 0);
    patient.owner = "patient";
    patient.steps = 0;
    patient.deadline = At(100);
    Push(patient, 0);
  }
  DecisionQueue::Entry loop = Make(1000, "a", 0);
  loop.owner = "loop";
  loop.steps = 0;
  Push(loop, 0);
  EXPECT_EQ(PopDue(0), "freeze 1000");
}

TEST_F(DecisionQueueTest, ItRunsForDays) {
  Start();
  uint64_t id = 0;
  for (int64_t minute = 0; minute < 3000; ++minute) {
    const double now = 60000.0 * minute;
    Push(Make(++id, "a", now), now);
    Push(Make(++id, "b", now), now);
    for (int i = 0; i < 2; ++i) {
      const auto turn = queue_->Pop(At(now + 4 * i));
      ASSERT_TRUE(turn && turn->adapt);
      EndTurn(turn->id, now + 4 * i + 4);
    }
  }
  EXPECT_EQ(queue_->size(), 0u);
}

// Each connection is an owner, so owners come and go.
TEST_F(DecisionQueueTest, OwnersThatHaveGoneAreForgottenWithinSeconds) {
  Start();
  size_t most = 0;
  double now = 0;
  for (uint64_t id = 1; id <= 10000; ++id, now += 10) {
    DecisionQueue::Entry decision = Make(id, absl::StrCat("session ", id), now);
    decision.owner = absl::StrCat("owner ", id);
    Push(decision, now);
    ASSERT_EQ(Pop(now), absl::StrCat("adapt ", id));
    EndTurn(id, now + 4);
    most = std::max(most, queue_->known());
  }
  // 4 ms of service count as none after 7.4 s, in which 740 owners came.
  EXPECT_LT(most, 2 * 2 * 740 + 300u);
}

}  // namespace
}  // namespace foresight

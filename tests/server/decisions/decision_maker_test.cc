#include "server/decisions/decision_maker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/synchronization/notification.h"
#include "prometheus/text_serializer.h"
#include "server/decisions/durations.h"
#include "server/decisions/saved_session.h"
#include "server/support/clock.h"
#include "server/support/error.h"
#include "tests/server/decisions/fake_shared_store.h"
#include "tests/server/decisions/maker_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

// A call and its answer.
class Asked {
 public:
  Asked(DecisionMaker* maker, v1::ActRequest request, absl::Time deadline)
      : maker_(maker) {
    call_ = std::make_shared<DecisionCall>(
        std::move(request), Caller{"", "owner"}, MonotonicNow(), deadline,
        [state = state_](const DecisionCall::Answer& answer) {
          state->answer = answer;
          state->answered.Notify();  // A second call would abort.
        });
    maker_->Start(call_);
  }

  void Cancel() { maker_->Cancel(call_); }
  bool answered() const { return state_->answered.HasBeenNotified(); }
  const DecisionCall::Answer& Get() const {
    EXPECT_TRUE(state_->answered.WaitForNotificationWithTimeout(kPatience));
    return state_->answer;
  }
  std::string Reason() const { return ReasonName(Get().status()); }

 private:
  struct State {
    absl::Notification answered;
    DecisionCall::Answer answer = absl::UnknownError("no answer");
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();
  DecisionMaker* const maker_;
  DecisionMaker::Call call_;
};

class DecisionMakerTest : public MakerTest {
 protected:
  Asked Ask(v1::ActRequest request,
            absl::Time deadline = absl::InfiniteFuture()) {
    return Asked(&maker_, std::move(request), deadline);
  }
  Asked Ask(const std::string& id, float observation,
            std::optional<uint64_t> index = {}) {
    return Ask(Request(id, observation, index));
  }
};

TEST_F(DecisionMakerTest, ADecisionIsAnsweredWithItsReport) {
  Open("a", /*steps=*/2);
  v1::ActRequest request = Request("a", 0.5);
  request.set_report_objective_after(true);
  const Asked asked = Ask(request);
  ASSERT_TRUE(asked.Get().ok()) << asked.Get().status();
  const v1::ActResponse& response = **asked.Get();
  EXPECT_EQ(response.session_id(), "a");
  EXPECT_EQ(response.decision_index(), 0u);
  ASSERT_EQ(response.action_size(), 2);
  EXPECT_EQ(response.action(0), FakeEngine::Action(0.5, 2, 7, 0));
  EXPECT_EQ(response.report().outcome(), v1::ADAPTED);
  EXPECT_EQ(response.report().steps_requested(), 2u);
  EXPECT_EQ(response.report().steps_done(), 2u);
  EXPECT_TRUE(response.report().has_objective_after());
  EXPECT_TRUE(response.report().has_queue_time());
  EXPECT_TRUE(response.report().has_adapt_time());
}

TEST_F(DecisionMakerTest, APlanIsReturnedIfItIsAskedFor) {
  Open("a");
  EXPECT_EQ((*Ask("a", 0.5).Get())->plan_size(), 0);
  v1::ActRequest request = Request("a", 0.5);
  request.set_plan_length(3);
  const Asked asked = Ask(request);
  ASSERT_TRUE(asked.Get().ok()) << asked.Get().status();
  ASSERT_EQ((*asked.Get())->plan_size(), 3);
  EXPECT_EQ((*asked.Get())->plan(0).values_size(), 2);
  EXPECT_EQ((*asked.Get())->epoch(), 1u);
}

TEST_F(DecisionMakerTest, APlanIsNotMadeOnTheThreadThatReceivesCalls) {
  Open("a", /*steps=*/0);
  for (const uint32_t plan_length : {0, 3}) {
    v1::ActRequest request = Request("a", 0.5);
    request.set_plan_length(plan_length);
    absl::Notification answered;
    std::thread::id thread;
    maker_.Start(std::make_shared<DecisionCall>(
        request, Caller{"", "owner"}, MonotonicNow(), absl::InfiniteFuture(),
        [&](const DecisionCall::Answer& answer) {
          EXPECT_TRUE(answer.ok()) << answer.status();
          thread = std::this_thread::get_id();
          answered.Notify();
        }));
    ASSERT_TRUE(answered.WaitForNotificationWithTimeout(kPatience));
    EXPECT_EQ(thread == std::this_thread::get_id(), plan_length == 0);
  }
}

TEST_F(DecisionMakerTest, AResetMayKeepThePolicy) {
  Open("a");
  ASSERT_TRUE(Ask("a", 0.5).Get().ok());
  v1::ResetSessionRequest request;
  request.set_session_id("a");
  request.set_keep_policy(true);
  ASSERT_TRUE(operations_.Reset(request).ok());
  // Decision 0 again, with psi before its step.
  EXPECT_EQ((*Ask("a", 0.5, 0).Get())->action(0),
            FakeEngine::Action(0.5, 2, 7, 0));
  request.set_keep_policy(false);
  ASSERT_TRUE(operations_.Reset(request).ok());
  EXPECT_EQ((*Ask("a", 0.5, 0).Get())->action(0),
            FakeEngine::Action(0.5, 1, 7, 0));
}

TEST_F(DecisionMakerTest, PersistCarriesThePolicyAndResetDoesNot) {
  Open("persists", 1, v1::PERSIST);
  Open("resets", 1, v1::RESET);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*Ask("persists", 0.5).Get())->action(0),
              FakeEngine::Action(0.5, i + 1, 7, i));
    EXPECT_EQ((*Ask("resets", 0.5).Get())->action(0),
              FakeEngine::Action(0.5, 1, 7, i));
  }
}

TEST_F(DecisionMakerTest, AStatelessDecisionLeavesNothingBehind) {
  for (int i = 0; i < 2; ++i) {
    v1::ActRequest request = Request("", 0.5, 9);
    request.set_seed(3);
    request.mutable_settings()->set_steps(2);
    const Asked asked = Ask(request);
    ASSERT_TRUE(asked.Get().ok()) << asked.Get().status();
    EXPECT_EQ((*asked.Get())->action(0), FakeEngine::Action(0.5, 2, 3, 9));
    EXPECT_EQ((*asked.Get())->decision_index(), 9u);
  }
  scheduler_.reset();  // Its threads release everything.
  EXPECT_EQ(sessions_.size(), 0u);
  EXPECT_EQ(engine_->alive(), 0);
}

TEST_F(DecisionMakerTest, TheEngineIsOfferedTheIdleThreads) {
  Open("a");
  while (scheduler_->idle() < kThreads) std::this_thread::yield();
  ASSERT_TRUE(Ask("a", 0.5).Get().ok());
  EXPECT_EQ(engine_->last_workers(), kThreads);
}

TEST_F(DecisionMakerTest, ARetryIsAnsweredWithoutAnotherDecision) {
  Open("a");
  const Asked first = Ask("a", 0.5, 0);
  const Asked again = Ask("a", 0.5, 0);
  ASSERT_TRUE(first.Get().ok());
  EXPECT_EQ(*first.Get(), *again.Get());  // The very same message.
  EXPECT_EQ(engine_->decisions(), 1);
}

TEST_F(DecisionMakerTest, ARetryWaitsForTheDecisionInFlight) {
  Open("a");
  engine_->Hold();
  const Asked first = Ask("a", 0.5, 0);
  const Asked again = Ask("a", 0.5, 0);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  EXPECT_FALSE(again.answered());
  engine_->Release();
  ASSERT_TRUE(again.Get().ok());
  EXPECT_EQ(*first.Get(), *again.Get());
  EXPECT_EQ(engine_->decisions(), 1);
}

TEST_F(DecisionMakerTest, ARetryTakesOverWhenTheFirstCallIsCancelled) {
  Open("a");
  engine_->Hold();
  Asked first = Ask("a", 0.5, 0);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  const Asked again = Ask("a", 0.5, 0);
  first.Cancel();
  EXPECT_EQ(first.Reason(), "CANCELLED");
  engine_->Release();
  ASSERT_TRUE(again.Get().ok()) << again.Get().status();
  EXPECT_EQ((*again.Get())->action(0), FakeEngine::Action(0.5, 1, 7, 0));
  EXPECT_EQ(engine_->decisions(), 2);
}

TEST_F(DecisionMakerTest, ARetryThatWaitsCanBeCancelled) {
  Open("a");
  engine_->Hold();
  const Asked first = Ask("a", 0.5, 0);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  Asked again = Ask("a", 0.5, 0);
  again.Cancel();
  EXPECT_EQ(again.Reason(), "CANCELLED");
  engine_->Release();
  EXPECT_TRUE(first.Get().ok());
}

TEST_F(DecisionMakerTest, ARetryDoesNotWaitBeyondItsDeadline) {
  Open("a");
  engine_->Hold();
  const Asked first = Ask("a", 0.5, 0);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  const Asked again =
      Ask(Request("a", 0.5, 0), MonotonicNow() + absl::Milliseconds(20));
  EXPECT_EQ(again.Reason(), "DEADLINE_EXCEEDED");
  EXPECT_FALSE(first.answered());
}

TEST_F(DecisionMakerTest, AnotherDecisionOfARunningSessionIsRefused) {
  Open("a");
  engine_->Hold();
  const Asked first = Ask("a", 0.5);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  EXPECT_EQ(Ask("a", 0.5).Reason(), "DECISION_IN_FLIGHT");
  EXPECT_EQ(Ask("a", 0.5, 1).Reason(), "DECISION_IN_FLIGHT");
  engine_->Release();
  EXPECT_TRUE(first.Get().ok());
}

TEST_F(DecisionMakerTest, ACancelledDecisionStopsWithinAStepWithoutEffect) {
  Open("a", /*steps=*/1000);
  Open("twin", /*steps=*/1000);
  engine_->Hold();
  Asked asked = Ask("a", 0.5);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  engine_->Release(3);
  asked.Cancel();
  EXPECT_EQ(asked.Reason(), "CANCELLED");
  EXPECT_LE(engine_->steps(), 3);
  ASSERT_TRUE(engine_->AwaitRunning(0));
  engine_->Release();
  // Its next decision is unaffected.
  const Asked next = Ask("a", 0.5);
  const Asked twin = Ask("twin", 0.5);
  ASSERT_TRUE(next.Get().ok()) << next.Get().status();
  EXPECT_EQ((*next.Get())->decision_index(), 0u);
  EXPECT_EQ((*next.Get())->action(0), (*twin.Get())->action(0));
}

TEST_F(DecisionMakerTest, ACancelledDecisionLeavesTheQueueAtOnce) {
  for (const char* id : {"a", "b", "c"}) Open(id);
  engine_->Hold();
  const Asked a = Ask("a", 0.5);
  const Asked b = Ask("b", 0.5);
  ASSERT_TRUE(engine_->AwaitRunning(2));
  Asked c = Ask("c", 0.5);
  c.Cancel();
  EXPECT_EQ(c.Reason(), "CANCELLED");
  // The session is free again though both threads are still busy.
  const Asked again = Ask("c", 0.25);
  EXPECT_FALSE(again.answered());
  engine_->Release();
  EXPECT_TRUE(again.Get().ok());
  EXPECT_EQ(engine_->decisions(), 3);
}

TEST_F(DecisionMakerTest, WithoutAFreeLaneADecisionGetsItsFrozenAnswer) {
  for (const char* id : {"a", "b", "c"}) Open(id);
  engine_->Hold();
  const Asked a = Ask("a", 0.5);
  const Asked b = Ask("b", 0.5);
  ASSERT_TRUE(engine_->AwaitRunning(2));
  v1::ActRequest request = Request("c", 0.5);
  *request.mutable_budget() = ToProto(absl::Milliseconds(200));
  const Asked c = Ask(request);
  ASSERT_TRUE(c.Get().ok()) << c.Get().status();
  EXPECT_EQ((*c.Get())->report().outcome(), v1::FROZEN);
  EXPECT_EQ((*c.Get())->action(0), FakeEngine::Action(0.5, 0, 7, 0));
  EXPECT_FALSE(a.answered());
  engine_->Release();
  EXPECT_EQ((*Ask("c", 0.5).Get())->decision_index(), 1u);
}

TEST_F(DecisionMakerTest, AFullQueueRefusesAndLeavesTheSession) {
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) Open(id);
  engine_->Hold();
  std::vector<Asked> accepted;
  for (const char* id : {"a", "b"}) accepted.push_back(Ask(id, 0.5));
  ASSERT_TRUE(engine_->AwaitRunning(2));
  for (const char* id : {"c", "d", "e"}) accepted.push_back(Ask(id, 0.5));
  const Asked refused = Ask("f", 0.5);
  EXPECT_EQ(refused.Reason(), "OVERLOADED");
  EXPECT_GT(RetryDelay(refused.Get().status()), absl::ZeroDuration());
  engine_->Release();
  for (const Asked& asked : accepted) EXPECT_TRUE(asked.Get().ok());
  EXPECT_EQ((*Ask("f", 0.5).Get())->decision_index(), 0u);
}

TEST_F(DecisionMakerTest, ABudgetCutsTheSteps) {
  Open("a", /*steps=*/5);
  engine_->Hold();
  v1::ActRequest request = Request("a", 0.5);
  *request.mutable_budget() = ToProto(absl::Seconds(1));
  engine_->Release(2);
  const Asked asked = Ask(request);
  ASSERT_TRUE(asked.Get().ok());
  EXPECT_EQ((*asked.Get())->report().outcome(), v1::TRUNCATED);
  EXPECT_EQ((*asked.Get())->report().steps_done(), 2u);
  // The next decision starts from the adapted policy.
  engine_->Release();
  EXPECT_EQ((*Ask("a", 0.5).Get())->action(0),
            FakeEngine::Action(0.5, 7, 7, 1));
}

TEST_F(DecisionMakerTest, TheEarlierOfBudgetAndDeadlineCounts) {
  Open("a", /*steps=*/5);
  engine_->Hold();
  v1::ActRequest request = Request("a", 0.5);
  *request.mutable_budget() = ToProto(absl::Hours(1));
  const Asked asked = Ask(request, MonotonicNow() + absl::Milliseconds(20));
  ASSERT_TRUE(asked.Get().ok());
  EXPECT_EQ((*asked.Get())->report().outcome(), v1::FROZEN);
}

TEST_F(DecisionMakerTest, OnAnIdleServerTheLeastBudgetGetsTheFrozenAction) {
  Open("a", /*steps=*/5);
  v1::ActRequest request = Request("a", 0.5);
  request.mutable_budget()->set_nanos(1);
  const Asked asked = Ask(request);
  ASSERT_TRUE(asked.Get().ok()) << asked.Get().status();
  EXPECT_EQ((*asked.Get())->report().outcome(), v1::FROZEN);
  EXPECT_EQ((*asked.Get())->action(0), FakeEngine::Action(0.5, 0, 7, 0));
}

TEST_F(DecisionMakerTest, ClosingASessionStopsItsDecision) {
  Open("a", /*steps=*/1000);
  engine_->Hold();
  const Asked asked = Ask("a", 0.5, 0);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  const Asked waiting = Ask("a", 0.5, 0);
  ASSERT_TRUE(Close("a").ok());
  EXPECT_EQ(asked.Reason(), "SESSION_UNKNOWN");
  EXPECT_EQ(waiting.Reason(), "SESSION_UNKNOWN");
  EXPECT_TRUE(maker_.AwaitIdle(kPatience));
  EXPECT_EQ(engine_->alive(), 0);
}

TEST_F(DecisionMakerTest, AnObservationThatTheEngineRefusesIsInvalid) {
  Open("a");
  const Asked asked = Ask("a", 3e38f);
  EXPECT_EQ(asked.Reason(), "OBSERVATION_INVALID");
  EXPECT_THAT(std::string(asked.Get().status().message()),
              HasSubstr("not finite"));
  EXPECT_EQ((*Ask("a", 0.5).Get())->decision_index(), 0u);
}

TEST_F(DecisionMakerTest, OnceItRefusesItAnswersOnlyAcceptedCalls) {
  Open("a");
  Open("b");
  engine_->Hold();
  const Asked a = Ask("a", 0.5);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  maker_.Refuse();
  EXPECT_EQ(Ask("b", 0.5).Reason(), "DRAINING");
  EXPECT_FALSE(maker_.AwaitIdle(absl::ZeroDuration()));
  engine_->Release();
  EXPECT_TRUE(a.Get().ok());
  EXPECT_TRUE(maker_.AwaitIdle(kPatience));
}

TEST_F(DecisionMakerTest, StopAnswersQueuedDecisionsWithTheFrozenAction) {
  for (const char* id : {"a", "b", "c"}) Open(id, /*steps=*/1000);
  engine_->Hold();
  const Asked a = Ask("a", 0.5);
  const Asked b = Ask("b", 0.5);
  ASSERT_TRUE(engine_->AwaitRunning(2));
  // A decision that has not begun a step would get its frozen answer.
  while (engine_->step_calls() < 2) std::this_thread::yield();
  const Asked c = Ask("c", 0.5);
  maker_.Refuse();
  maker_.Stop();
  EXPECT_EQ(a.Reason(), "DRAINING");
  EXPECT_EQ(b.Reason(), "DRAINING");
  ASSERT_TRUE(c.Get().ok()) << c.Get().status();
  EXPECT_EQ((*c.Get())->report().outcome(), v1::FROZEN);
}

TEST_F(DecisionMakerTest, DecisionsAreCounted) {
  Open("a", /*steps=*/2);
  ASSERT_TRUE(Ask("a", 0.5, 0).Get().ok());
  ASSERT_TRUE(Ask("a", 0.5, 0).Get().ok());  // A retry does no steps.
  ASSERT_TRUE(Ask("a", 0.5, 1).Get().ok());
  EXPECT_TRUE(maker_.AwaitIdle(kPatience));
  EXPECT_EQ(metrics_.queue_seconds.Collect().histogram.sample_count, 2u);
  EXPECT_EQ(metrics_.adapt_seconds.Collect().histogram.sample_count, 2u);
  EXPECT_EQ(metrics_.decision_seconds.Collect().histogram.sample_count, 3u);
  EXPECT_EQ(metrics_.decisions_in_flight.Value(), 0);
  EXPECT_EQ(metrics_.sessions.Value(), 1);
}

// For the sanitizers: calls of a few sessions are made, retried, cancelled and
// closed by several threads at once; each is answered exactly once.
TEST_F(DecisionMakerTest, EveryCallIsAnsweredExactlyOnce) {
  constexpr int kClients = 4;
  constexpr int kRounds = 200;
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < kRounds; ++i) {
        const std::string id = i % 2 == 0 ? "x" : "y";
        v1::OpenSessionRequest open;
        open.set_session_id(id);
        (void)operations_.Open(open);
        std::vector<Asked> asked;
        for (int twin = 0; twin < 3; ++twin) {
          asked.push_back(Ask(Request(id, 0.5, i / 50),
                              MonotonicNow() + absl::Milliseconds(i % 5)));
        }
        asked[client % 3].Cancel();
        if (i % 10 == client) (void)Close(id);
        for (const Asked& one : asked) (void)one.Get();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(maker_.AwaitIdle(kPatience));
  (void)Close("x");
  (void)Close("y");
  EXPECT_EQ(sessions_.size(), 0u);
  EXPECT_EQ(engine_->alive(), 0);
  EXPECT_EQ(metrics_.sessions.Value(), 0);
}

TEST_F(DecisionMakerTest, TheSlackOfADecisionWithADeadlineIsRecorded) {
  const auto page = [this] {
    return prometheus::TextSerializer().Serialize(
        metrics_.registry()->Collect());
  };
  Open("a", /*steps=*/1);
  ASSERT_TRUE(Ask("a", 0.5).Get().ok());  // Has no deadline.
  EXPECT_THAT(page(), HasSubstr("foresight_slack_seconds_count 0\n"));
  ASSERT_TRUE(Ask(Request("a", 0.5), MonotonicNow() + kPatience).Get().ok());
  EXPECT_THAT(page(), HasSubstr("foresight_slack_seconds_count 1\n"));
  EXPECT_THAT(page(),
              HasSubstr("foresight_slack_seconds_bucket{le=\"1\"} 0\n"));
  // Its deadline passes while it waits for the session's running decision.
  engine_->Hold();
  const Asked running = Ask("a", 0.5, 2);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  const Asked late =
      Ask(Request("a", 0.5, 2), MonotonicNow() + absl::Milliseconds(1));
  EXPECT_EQ(late.Reason(), "DEADLINE_EXCEEDED");
  EXPECT_THAT(page(), HasSubstr("foresight_deadline_misses_total 1\n"));
  EXPECT_THAT(page(), HasSubstr("foresight_slack_seconds_count 1\n"));
}

// Discards all writes; does so slowly while `slow` is true.
class IdleStore : public StateStore {
 public:
  explicit IdleStore(const std::atomic<bool>* slow) : slow_(slow) {}
  absl::StatusOr<Written> Write(absl::Span<const StateChange>) override {
    if (*slow_) absl::SleepFor(kSlowly);
    return Written();
  }
  static constexpr absl::Duration kSlowly = absl::Milliseconds(150);

  absl::StatusOr<std::vector<KeptSession>> Load() override {
    return std::vector<KeptSession>();
  }

 private:
  const std::atomic<bool>* const slow_;
};

// The same with a journal; with durability `each`, answers wait for it.
class KeepingDecisionMakerTest : public DecisionMakerTest {
 protected:
  ~KeepingDecisionMakerTest() override {
    EXPECT_TRUE(keeping_.AwaitIdle(kPatience));
    keeping_scheduler_.reset();
  }
  // The time between the end of the engine's work and the deadline.
  absl::Duration Reserved(v1::ActRequest request, absl::Duration budget) {
    const absl::Time deadline = MonotonicNow() + budget;
    const Asked asked(&keeping_, std::move(request), deadline);
    EXPECT_TRUE(asked.Get().ok()) << asked.Get().status();
    EXPECT_TRUE(journal_.Flush().ok());
    return deadline - engine_->last_deadline();
  }

  static Journal::Options Patient() {
    Journal::Options options;
    options.store_timeout = kPatience;
    return options;
  }

  std::atomic<bool> slow_ = false;
  Journal journal_{Patient(), std::make_unique<IdleStore>(&slow_)};
  const SessionKeeper journal_keeper_{{}, &journal_};
  std::unique_ptr<Scheduler> keeping_scheduler_ =
      std::make_unique<Scheduler>(SchedulerOptions());
  DecisionMaker keeping_{{},
                         {},
                         {&models_, &sessions_, &journal_keeper_,
                          keeping_scheduler_.get(), &timer_, &metrics_}};
};

TEST_F(KeepingDecisionMakerTest, TimeIsReservedForKeepingAnAnswerThatWaits) {
  const absl::Duration margin = DecisionMaker::Options().answer_margin;
  Open("a");
  EXPECT_EQ(Reserved(Request("a", 0.5), kPatience), margin);
  journal_.KeepEach();
  EXPECT_EQ(Reserved(Request("a", 0.5), kPatience), margin);
  const absl::Duration wait = journal_.expected_wait();
  ASSERT_GT(wait, absl::ZeroDuration());
  EXPECT_EQ(Reserved(Request("a", 0.5), kPatience), margin + wait);
  // A stateless answer is not kept.
  EXPECT_EQ(Reserved(Request("", 0.5), kPatience), margin);
}

TEST_F(KeepingDecisionMakerTest, AtMostHalfOfADecisionsTimeIsReserved) {
  constexpr absl::Duration kBudget = absl::Milliseconds(200);
  Open("a");
  slow_ = true;
  journal_.Remove({"x", 1});
  journal_.WhenWritten([] {});
  ASSERT_TRUE(journal_.Flush().ok());
  slow_ = false;
  journal_.KeepEach();
  ASSERT_GE(journal_.expected_wait(), IdleStore::kSlowly);
  const absl::Time begun = MonotonicNow();
  const absl::Duration reserved = Reserved(Request("a", 0.5), kBudget);
  const absl::Duration taken = MonotonicNow() - begun;
  const absl::Duration left = kBudget - DecisionMaker::Options().answer_margin;
  EXPECT_LE(reserved, kBudget - left / 2);
  EXPECT_GE(reserved, kBudget - left / 2 - taken);
}

// A DecisionMaker whose store several servers share.
class SharingDecisionMakerTest : public DecisionMakerTest {
 protected:
  ~SharingDecisionMakerTest() override {
    medium_.SetHangs(false);
    EXPECT_TRUE(sharing_.AwaitIdle(kPatience));
    sharing_scheduler_.reset();
    take_overs_->Stop();
  }
  Asked AskSharing(v1::ActRequest request,
                   absl::Time deadline = absl::InfiniteFuture()) {
    return Asked(&sharing_, std::move(request), deadline);
  }
  // Stores another server's session "a", at decision 3 in `epoch`.
  void KeepElsewhere(uint64_t epoch) {
    Open("a");
    SessionState& session = sessions_.Acquire("a", MonotonicNow())->session();
    session.next_decision = 3;
    session.last_observation.assign(3, 0.f);
    auto answer = std::make_shared<v1::ActResponse>();
    answer->set_decision_index(2);
    answer->add_action(0);
    answer->add_action(0);
    session.last_answer = answer;
    medium_.Keep("\na", session.incarnation + 1, epoch, Save(session));
    ASSERT_TRUE(Close("a").ok());
  }

  SharedMedium medium_;
  std::unique_ptr<TakeOvers> take_overs_ = std::make_unique<TakeOvers>(
      TakeOvers::Options(),
      TakeOvers::Parts{
          [this] { return std::make_unique<FakeSharedStore>(&medium_); },
          &sessions_,
          [this](const KeptSession& kept) { return operations_.Resume(kept); },
          [this](const SessionName& name) { operations_.NoteLost(name); }});
  std::unique_ptr<Scheduler> sharing_scheduler_ =
      std::make_unique<Scheduler>(SchedulerOptions());
  DecisionMaker sharing_{
      {},
      {},
      {&models_, &sessions_, &keeper_, sharing_scheduler_.get(), &timer_,
       &metrics_, take_overs_.get()}};
};

TEST_F(SharingDecisionMakerTest, ASessionIsTakenOverForTheCallThatNeedsIt) {
  KeepElsewhere(/*epoch=*/4);
  const Asked asked = AskSharing(Request("a", 0.5, 3));
  ASSERT_TRUE(asked.Get().ok()) << asked.Get().status();
  EXPECT_EQ((*asked.Get())->decision_index(), 3u);
  EXPECT_EQ((*asked.Get())->epoch(), 5u);
  EXPECT_EQ((*asked.Get())->report().resumed_from(), 3u);
}

TEST_F(SharingDecisionMakerTest, AnOutdatedSessionIsTakenOverAgain) {
  KeepElsewhere(/*epoch=*/4);
  Open("a");
  v1::ActRequest request = Request("a", 0.5, 3);
  request.set_epoch(4);
  const Asked asked = AskSharing(request);
  ASSERT_TRUE(asked.Get().ok()) << asked.Get().status();
  EXPECT_EQ((*asked.Get())->epoch(), 5u);
  // A client that does not send the epoch, but asks for a later decision.
  ASSERT_TRUE(Close("a").ok());
  KeepElsewhere(/*epoch=*/7);
  Open("a");
  EXPECT_EQ((*AskSharing(Request("a", 0.5, 3)).Get())->epoch(), 8u);
}

TEST_F(SharingDecisionMakerTest, ASessionThatNobodyHasIsUnknown) {
  EXPECT_EQ(AskSharing(Request("a", 0.5, 3)).Reason(), "SESSION_UNKNOWN");
  EXPECT_EQ(medium_.Calls(), 1);
}

TEST_F(SharingDecisionMakerTest, ACallWaitsForTheStoreUntilItsDeadline) {
  medium_.SetHangs(true);
  const Asked asked =
      AskSharing(Request("a", 0.5, 3), MonotonicNow() + absl::Milliseconds(20));
  EXPECT_EQ(asked.Reason(), "DEADLINE_EXCEEDED");
  Asked cancelled = AskSharing(Request("b", 0.5, 3));
  cancelled.Cancel();
  EXPECT_EQ(cancelled.Reason(), "CANCELLED");
}

TEST_F(SharingDecisionMakerTest, AnErrorOfTheLocalSessionStays) {
  Open("a");
  const Asked asked = AskSharing(Request("a", 0.5, 3));
  EXPECT_EQ(asked.Reason(), "DECISION_SKIPPED");
  EXPECT_EQ(medium_.Calls(), 1);
}

}  // namespace
}  // namespace foresight

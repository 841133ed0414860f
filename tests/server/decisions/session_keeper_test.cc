#include "server/decisions/session_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/decisions/saved_session.h"
#include "server/support/clock.h"
#include "tests/server/decisions/deciding_session.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = StateChange::Kind;

constexpr absl::Duration kPatience = absl::Seconds(30);

// The changes written to a store that works until told otherwise.
struct Medium {
  absl::Mutex mutex;
  std::vector<StateChange> written ABSL_GUARDED_BY(mutex);
  bool fails ABSL_GUARDED_BY(mutex) = false;
};

class FakeStore : public StateStore {
 public:
  explicit FakeStore(Medium* medium) : medium_(medium) {}
  absl::StatusOr<Written> Write(
      absl::Span<const StateChange> changes) override {
    absl::MutexLock lock(&medium_->mutex);
    if (medium_->fails) return absl::UnavailableError("full");
    medium_->written.insert(medium_->written.end(), changes.begin(),
                            changes.end());
    return Written();
  }
  absl::StatusOr<std::vector<KeptSession>> Load() override {
    return std::vector<KeptSession>();
  }

 private:
  Medium* const medium_;
};

class SessionKeeperTest : public ::testing::Test {
 protected:
  static Journal::Options Eager() {
    Journal::Options options;
    options.interval = absl::Milliseconds(1);
    options.retry = absl::Milliseconds(1);
    return options;
  }
  void Begin(Durability durability, SessionKeeper::Options options = {},
             Journal::Options journaling = Eager()) {
    journaling.durability = durability;
    journal_ = std::make_unique<Journal>(journaling,
                                         std::make_unique<FakeStore>(&medium_));
    keeper_ = std::make_unique<SessionKeeper>(options, journal_.get());
  }
  std::vector<StateChange> Written() {
    (void)journal_->Flush();
    absl::MutexLock lock(&medium_.mutex);
    return medium_.written;
  }
  std::vector<Kind> Kinds() {
    std::vector<Kind> kinds;
    for (const StateChange& change : Written()) kinds.push_back(change.kind);
    return kinds;
  }
  // A decision as a DecisionMaker makes one.
  void Decide(SessionState& session, float value) {
    const std::vector<float> observation(3, value);
    const v1::ActResponse answer = maker_.Make(session, value);
    keeper_->Decided(session, observation, answer);
    session.last_observation = observation;
    session.last_answer = std::make_shared<v1::ActResponse>(answer);
    ++session.next_decision;
  }
  void SetFails(bool fails) {
    absl::MutexLock lock(&medium_.mutex);
    medium_.fails = fails;
  }
  void AwaitAvailable(bool available) {
    const absl::Time give_up = MonotonicNow() + kPatience;
    while (journal_->available() != available) {
      ASSERT_LT(MonotonicNow(), give_up);
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  SessionMaker maker_;
  Medium medium_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<SessionKeeper> keeper_;
};

TEST(SessionKeeperKeyTest, AKeyNamesOneSessionOfOneIdentity) {
  EXPECT_EQ(KeyOf({"me", "a"}), "me\na");
  EXPECT_TRUE(NameIn("me\na") == SessionName("me", "a"));
  EXPECT_TRUE(NameIn(KeyOf(SessionName("a"))) == SessionName("a"));
}

TEST_F(SessionKeeperTest, ASessionIsKeptAsAWholeAndThenItsDecisions) {
  Begin(Durability::kInterval);
  SessionState session = maker_.NewSession("a");
  session.identity = "me";
  session.epoch = 3;
  keeper_->Began(session);
  Decide(session, 0.5f);
  keeper_->Ended(session);
  const auto written = Written();
  ASSERT_EQ(written.size(), 3u);
  EXPECT_EQ(written[0].kind, Kind::kCreate);
  EXPECT_EQ(written[0].name.key, "me\na");
  EXPECT_EQ(written[0].name.incarnation, 5u);
  EXPECT_EQ(written[0].name.epoch, 3u);
  EXPECT_EQ(written[1].kind, Kind::kAppend);
  EXPECT_THAT(written[1].decision.observation(), ElementsAre(0.5f, 0.5f, 0.5f));
  EXPECT_EQ(written[1].decision.answer().decision_index(), 0u);
  EXPECT_EQ(written[2].kind, Kind::kRemove);
}

TEST_F(SessionKeeperTest, TheWholeIsKeptAgainBeforeTooMuchWouldBeMadeAgain) {
  Begin(Durability::kInterval, {/*replay_limit=*/4});
  SessionState session = maker_.NewSession("a", /*steps=*/2);
  keeper_->Began(session);
  for (int n = 0; n < 4; ++n) Decide(session, 0.5f);
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kCreate, Kind::kAppend, Kind::kReplace,
                                   Kind::kAppend, Kind::kReplace));
  const v1::SavedSession whole = Written().back().session;
  EXPECT_EQ(whole.next_decision(), 4u);
  EXPECT_EQ(whole.last_decision().answer().decision_index(), 3u);
  EXPECT_EQ(
      std::vector<float>(whole.parameters().begin(), whole.parameters().end()),
      session.parameters->Export());
}

TEST_F(SessionKeeperTest, DecisionsWithoutAStepAreKeptForLonger) {
  Begin(Durability::kInterval, {/*replay_limit=*/1});
  SessionState session = maker_.NewSession("a", /*steps=*/0);
  keeper_->Began(session);
  for (int n = 0; n < 10; ++n) Decide(session, 0.5f);
  const auto kinds = Kinds();
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), Kind::kAppend), 9);
  EXPECT_EQ(kinds.back(), Kind::kReplace);
}

TEST_F(SessionKeeperTest, AResetSessionIsKeptAsItWillBe) {
  Begin(Durability::kInterval);
  SessionState session = maker_.NewSession("a");
  keeper_->Began(session);
  Decide(session, 0.5f);
  SessionRestart restart;
  restart.seed = 9;
  restart.parameters = session.model->engine->NewParameters();
  keeper_->BeginsAnew(session, restart);
  const StateChange last = Written().back();
  EXPECT_EQ(last.kind, Kind::kReplace);
  EXPECT_EQ(last.session.seed(), 9u);
  EXPECT_EQ(last.session.next_decision(), 0u);
}

TEST_F(SessionKeeperTest, LostChangesAreKeptWithTheNextDecision) {
  Begin(Durability::kInterval);
  SessionState session = maker_.NewSession("a");
  keeper_->Began(session);
  (void)journal_->Flush();
  SetFails(true);
  Decide(session, 0.5f);
  AwaitAvailable(false);
  EXPECT_FALSE(keeper_->Works());
  SetFails(false);
  AwaitAvailable(true);
  EXPECT_TRUE(keeper_->Works());
  Decide(session, 0.25f);
  const StateChange last = Written().back();
  EXPECT_EQ(last.kind, Kind::kReplace);
  EXPECT_EQ(last.session.next_decision(), 2u);
}

TEST_F(SessionKeeperTest, WithoutDurabilityOnlyTheEndIsKept) {
  Begin(Durability::kNone);
  SessionStore sessions({10});
  const absl::Time now = MonotonicNow();
  auto lease = sessions.Open(maker_.NewSession("a"), now);
  keeper_->Began(lease->session());
  ASSERT_TRUE(lease->Install(now).ok());
  EXPECT_THAT(Kinds(), IsEmpty());
  const auto kept = keeper_->KeepAll(sessions, now);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(*kept, 1);
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kReplace));
  // A session that is closed afterwards does not come back.
  keeper_->Ended(sessions.Acquire("a", now)->session());
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kReplace, Kind::kRemove));
}

TEST_F(SessionKeeperTest, BeforeAMoveAllIsKeptAndFromThenOnEachDecision) {
  Begin(Durability::kNone);
  SessionStore sessions({10});
  const absl::Time now = MonotonicNow();
  auto lease = sessions.Open(maker_.NewSession("a"), now);
  ASSERT_TRUE(lease->Install(now).ok());
  ASSERT_TRUE(keeper_->PrepareToMove(sessions, now).ok());
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kReplace));
  lease = sessions.Acquire("a", now);
  ASSERT_TRUE(lease.ok());
  Decide(lease->session(), 0.5f);
  absl::Notification kept;
  keeper_->WhenKept([&] { kept.Notify(); });
  ASSERT_TRUE(kept.WaitForNotificationWithTimeout(kPatience));
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kReplace, Kind::kAppend));
}

TEST_F(SessionKeeperTest, WhatAStoreLostIsKeptAtTheEndAtTheLatest) {
  Begin(Durability::kEach);
  SessionStore sessions({10});
  const absl::Time now = MonotonicNow();
  for (const std::string id : {"a", "b"}) {
    auto lease = sessions.Open(maker_.NewSession(id), now);
    keeper_->Began(lease->session());
    ASSERT_TRUE(lease->Install(now).ok());
  }
  (void)journal_->Flush();
  SetFails(true);
  Decide(sessions.Acquire("a", now)->session(), 0.5f);
  AwaitAvailable(false);
  SetFails(false);
  AwaitAvailable(true);
  Decide(sessions.Acquire("b", now)->session(), 0.5f);
  ASSERT_TRUE(keeper_->KeepAll(sessions, now).ok());
  EXPECT_THAT(Kinds(), ElementsAre(Kind::kCreate, Kind::kCreate, Kind::kReplace,
                                   Kind::kReplace));
  EXPECT_EQ(Written().back().name.key, "\na");
  EXPECT_EQ(Written().back().session.next_decision(), 1u);
}

TEST_F(SessionKeeperTest, AllSessionsAreKeptEvenIfFewFitIntoTheJournal) {
  constexpr int kSessions = 20;
  Journal::Options small;
  small.max_bytes = 3 * Save(maker_.NewSession("a")).ByteSizeLong();
  Begin(Durability::kNone, {}, small);
  SessionStore sessions({kSessions});
  const absl::Time now = MonotonicNow();
  for (int i = 0; i < kSessions; ++i) {
    auto lease = sessions.Open(maker_.NewSession(absl::StrCat(i)), now);
    ASSERT_TRUE(lease.ok());
    ASSERT_TRUE(lease->Install(now).ok());
  }
  const auto kept = keeper_->KeepAll(sessions, now);
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(*kept, kSessions);
  EXPECT_EQ(Kinds(), std::vector<Kind>(kSessions, Kind::kReplace));
  EXPECT_EQ(journal_->lost_changes(), 0u);
}

TEST_F(SessionKeeperTest, TheEndWaitsForARunningDecision) {
  Begin(Durability::kNone);
  SessionStore sessions({10});
  const absl::Time now = MonotonicNow();
  auto opened = sessions.Open(maker_.NewSession("a"), now);
  ASSERT_TRUE(opened->Install(now).ok());
  auto running = std::make_unique<SessionLease>(*sessions.Acquire("a", now));
  std::thread deciding([&] {
    absl::SleepFor(absl::Milliseconds(20));
    running.reset();
  });
  const auto kept = keeper_->KeepAll(sessions, now);
  deciding.join();
  ASSERT_TRUE(kept.ok());
  EXPECT_EQ(*kept, 1);
}

TEST_F(SessionKeeperTest, OnlyASharedStoreIsAskedWhetherANameIsTaken) {
  Begin(Durability::kInterval, {50, /*shared=*/true});
  SessionState session = maker_.NewSession("a");
  keeper_->Began(session);
  absl::Notification begun;
  keeper_->WhenBegun([&] {
    absl::MutexLock lock(&medium_.mutex);
    EXPECT_EQ(medium_.written.size(), 1u);
    begun.Notify();
  });
  EXPECT_TRUE(begun.WaitForNotificationWithTimeout(kPatience));
}

TEST(SessionKeeperAloneTest, WithoutAJournalNothingIsKeptOrWaitedFor) {
  SessionMaker maker;
  const SessionKeeper keeper({}, nullptr);
  SessionState session = maker.NewSession("a");
  keeper.Began(session);
  keeper.Ended(session);
  bool told = false;
  keeper.WhenBegun([&] { told = true; });
  EXPECT_TRUE(told);
  EXPECT_TRUE(keeper.Works());
  SessionStore sessions({10});
  EXPECT_EQ(*keeper.KeepAll(sessions, MonotonicNow()), 0);
  EXPECT_TRUE(keeper.PrepareToMove(sessions, MonotonicNow()).ok());
}

}  // namespace
}  // namespace foresight

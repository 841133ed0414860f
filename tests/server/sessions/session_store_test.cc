#include "server/sessions/session_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kIdle = absl::Seconds(60);

// Counts its living instances. Owns kBytes once it is changed.
class CountedParameters : public PolicyParameters {
 public:
  static constexpr size_t kBytes = 100;

  explicit CountedParameters(int* alive) : alive_(alive) { ++*alive_; }
  ~CountedParameters() override { --*alive_; }
  std::unique_ptr<PolicyParameters> Clone() const override {
    return std::make_unique<CountedParameters>(alive_);
  }
  size_t owned_bytes() const override { return changed_ ? kBytes : 0; }
  std::vector<float> Export() const override { return {}; }
  absl::Status Import(absl::Span<const float>) override {
    changed_ = true;
    return absl::OkStatus();
  }

 private:
  int* alive_;
  bool changed_ = false;
};

std::shared_ptr<const v1::ActResponse> Answer(float action) {
  auto answer = std::make_shared<v1::ActResponse>();
  answer->add_action(action);
  return answer;
}

class SessionStoreTest : public ::testing::Test {
 protected:
  using Observation = std::vector<float>;

  absl::Time At(int seconds) const {
    return absl::UnixEpoch() + absl::Seconds(seconds);
  }

  SessionRestart Afresh(uint64_t seed) {
    return {nullptr, {}, std::make_unique<CountedParameters>(&alive_), seed};
  }

  absl::Status OpenIn(SessionStore& store, SessionState session,
                      int seconds = 0, const std::string& connection = "") {
    auto lease = store.Open(std::move(session), At(seconds), connection);
    if (!lease.ok()) return lease.status();
    return lease->Restart(Afresh(7), At(seconds));
  }

  absl::Status Open(const std::string& id, int seconds = 0,
                    absl::Duration idle_timeout = kIdle,
                    const std::string& connection = "") {
    SessionState session;
    session.id = id;
    session.observation_size = 2;
    session.idle_timeout = idle_timeout;
    return OpenIn(store_, std::move(session), seconds, connection);
  }

  absl::StatusOr<SessionStore::Admission> Begin(
      const std::string& id, std::optional<uint64_t> index,
      const Observation& observation, int seconds = 0,
      DecisionWaiter waiter = nullptr) {
    cancelled_ = std::make_shared<std::atomic<bool>>(false);
    return store_.Begin({id, index, observation, cancelled_, ""},
                        std::move(waiter), At(seconds));
  }

  // The lease of a decision; the test fails if there is none.
  SessionLease Lease(const std::string& id, std::optional<uint64_t> index,
                     const Observation& observation, int seconds = 0) {
    auto admission = Begin(id, index, observation, seconds);
    EXPECT_TRUE(admission.ok()) << admission.status();
    EXPECT_TRUE(std::holds_alternative<SessionLease>(*admission));
    return std::get<SessionLease>(*std::move(admission));
  }

  void Decide(const std::string& id, const Observation& observation,
              float action, int seconds = 0) {
    EXPECT_TRUE(Lease(id, std::nullopt, observation, seconds)
                    .Commit(Answer(action), At(seconds))
                    .ok());
  }

  std::string ReasonOf(
      const absl::StatusOr<SessionStore::Admission>& admission) {
    return ReasonName(admission.status());
  }

  static SessionStore::Options StoreOptions() {
    SessionStore::Options options;
    options.max_sessions = 3;
    options.max_per_owner = 3;
    options.lost_timeout = absl::Seconds(10);
    return options;
  }

  int alive_ = 0;
  SessionStore store_{StoreOptions()};
  std::shared_ptr<std::atomic<bool>> cancelled_;
};

TEST_F(SessionStoreTest, DecisionsAreCountedFromZero) {
  ASSERT_TRUE(Open("a").ok());
  for (uint64_t i = 0; i < 3; ++i) {
    SessionLease lease = Lease("a", std::nullopt, {1, 2});
    EXPECT_EQ(lease.session().next_decision, i);
    EXPECT_EQ(lease.session().seed, 7u);
    EXPECT_THAT(lease.observation(), ElementsAre(1, 2));
    ASSERT_TRUE(lease.Commit(Answer(i), At(0)).ok());
    EXPECT_FALSE(lease.held());
  }
}

TEST_F(SessionStoreTest, ARetryGetsTheSameAnswerAsOftenAsItAsks) {
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {1, 2}, 0.25);
  for (int i = 0; i < 3; ++i) {
    auto admission = Begin("a", 0, {1, 2});
    ASSERT_TRUE(admission.ok());
    auto answer = std::get<std::shared_ptr<const v1::ActResponse>>(*admission);
    EXPECT_EQ(answer->action(0), 0.25);
  }
  EXPECT_EQ(Lease("a", std::nullopt, {1, 2}).session().next_decision, 1u);
}

TEST_F(SessionStoreTest, ARetryIsComparedBitByBit) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {0.f, nan}, 0.25);
  EXPECT_TRUE(Begin("a", 0, {0.f, nan}).ok());
  EXPECT_EQ(ReasonOf(Begin("a", 0, {-0.f, nan})), "DECISION_CHANGED");
}

TEST_F(SessionStoreTest, AnotherObservationOrAnOlderIndexIsRefused) {
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {1, 2}, 0);
  Decide("a", {3, 4}, 0);
  const auto changed = Begin("a", 1, {3, 5});
  EXPECT_EQ(ReasonOf(changed), "DECISION_CHANGED");
  EXPECT_THAT(std::string(changed.status().message()),
              HasSubstr("decision 1 was answered for another observation"));
  const auto older = Begin("a", 0, {1, 2});
  EXPECT_EQ(ReasonOf(older), "DECISION_CHANGED");
  EXPECT_EQ(older.status().message(),
            "decision_index is 0, expected 2, or 1 to get its answer again");
  EXPECT_EQ(Lease("a", 2, {5, 6}).session().next_decision, 2u);
}

TEST_F(SessionStoreTest, AnIndexAheadIsRefused) {
  ASSERT_TRUE(Open("a").ok());
  for (const uint64_t index : {uint64_t{1}, ~uint64_t{0}}) {
    const auto ahead = Begin("a", index, {1, 2});
    EXPECT_EQ(ReasonOf(ahead), "DECISION_SKIPPED");
    EXPECT_THAT(std::string(ahead.status().message()), HasSubstr("expected 0"));
  }
}

TEST_F(SessionStoreTest, AnObservationOfAnotherSizeIsRefused) {
  ASSERT_TRUE(Open("a").ok());
  const auto short_one = Begin("a", 0, {1});
  EXPECT_EQ(ReasonOf(short_one), "OBSERVATION_INVALID");
  EXPECT_EQ(short_one.status().message(),
            "observation has 1 values, expected 2");
}

TEST_F(SessionStoreTest, AnAbortedDecisionLeavesTheSessionAsBefore) {
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {1, 2}, 0.25);
  ASSERT_TRUE(Lease("a", 1, {3, 4}).Abort(At(0)).ok());
  // The last answer is still remembered and another observation is welcome.
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const v1::ActResponse>>(
      *Begin("a", 0, {1, 2})));
  EXPECT_EQ(Lease("a", 1, {5, 6}).session().next_decision, 1u);
}

TEST_F(SessionStoreTest, ADroppedLeaseIsAborted) {
  ASSERT_TRUE(Open("a").ok());
  { SessionLease lease = Lease("a", 0, {1, 2}); }
  EXPECT_TRUE(Lease("a", 0, {1, 2}).held());
}

TEST_F(SessionStoreTest, AMovedLeaseEndsOnce) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  SessionLease moved = std::move(lease);
  EXPECT_TRUE(moved.Commit(Answer(0), At(0)).ok());
  EXPECT_EQ(Lease("a", std::nullopt, {1, 2}).session().next_decision, 1u);
}

TEST_F(SessionStoreTest, OneDecisionOfASessionRunsAtATime) {
  ASSERT_TRUE(Open("a").ok());
  ASSERT_TRUE(Open("b").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  // A request without an index cannot be a retry.
  EXPECT_EQ(ReasonOf(Begin("a", std::nullopt, {1, 2})), "DECISION_IN_FLIGHT");
  EXPECT_EQ(ReasonOf(Begin("a", 0, {1, 3})), "DECISION_IN_FLIGHT");
  EXPECT_EQ(ReasonOf(Begin("a", 1, {1, 2})), "DECISION_IN_FLIGHT");
  EXPECT_EQ(ReasonOf(Begin("a", 2, {1, 2})), "DECISION_SKIPPED");
  EXPECT_EQ(ReasonName(store_.Acquire("a", At(0)).status()),
            "DECISION_IN_FLIGHT");
  EXPECT_TRUE(Lease("b", 0, {1, 2}).held());
}

TEST_F(SessionStoreTest, ARetryOfTheDecisionInFlightGetsItsAnswer) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  std::vector<std::shared_ptr<const v1::ActResponse>> told;
  for (int i = 0; i < 2; ++i) {
    auto admission =
        Begin("a", 0, {1, 2}, 0, [&](auto answer) { told.push_back(answer); });
    ASSERT_TRUE(admission.ok());
    EXPECT_TRUE(std::holds_alternative<SessionStore::Waiting>(*admission));
  }
  EXPECT_THAT(told, IsEmpty());
  const auto answer = Answer(0.5);
  ASSERT_TRUE(lease.Commit(answer, At(0)).ok());
  EXPECT_THAT(told, ElementsAre(answer, answer));
}

TEST_F(SessionStoreTest, TheNumberOfWaitingRetriesIsLimited) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  int waiting = 0, told = 0;
  while (Begin("a", 0, {1, 2}, 0, [&](auto) { ++told; }).ok()) {
    ASSERT_LT(++waiting, 1000);
  }
  EXPECT_GE(waiting, 10);
  EXPECT_EQ(ReasonOf(Begin("a", 0, {1, 2})), "DECISION_IN_FLIGHT");
  ASSERT_TRUE(lease.Commit(Answer(0), At(0)).ok());
  EXPECT_EQ(told, waiting);
}

TEST_F(SessionStoreTest, AWaiterForAnAbortedDecisionMayMakeIt) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  bool again = false;
  ASSERT_TRUE(Begin("a", 0, {1, 2}, 0, [&](auto answer) {
                EXPECT_EQ(answer, nullptr);
                // No lock is held: the store may be called.
                again = Lease("a", 0, {1, 2}).held();
              }).ok());
  ASSERT_TRUE(lease.Abort(At(0)).ok());
  EXPECT_TRUE(again);
}

TEST_F(SessionStoreTest, ClosingCancelsTheDecisionInFlight) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  const auto cancelled = cancelled_;
  int told = 0;
  ASSERT_TRUE(Begin("a", 0, {1, 2}, 0, [&](auto answer) {
                EXPECT_EQ(answer, nullptr);
                EXPECT_EQ(ReasonOf(Begin("a", 0, {1, 2})), "SESSION_UNKNOWN");
                ++told;
              }).ok());
  EXPECT_FALSE(*cancelled);
  ASSERT_TRUE(store_.Close("a", At(0)).ok());
  EXPECT_TRUE(*cancelled);
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_EQ(ReasonName(lease.Commit(Answer(0), At(0))), "SESSION_UNKNOWN");
  EXPECT_EQ(told, 1);
  EXPECT_EQ(alive_, 0);
}

TEST_F(SessionStoreTest, AnIdMayBeUsedAgainWhileItsOldDecisionStillEnds) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease old = Lease("a", 0, {1, 2});
  ASSERT_TRUE(store_.Close("a", At(0)).ok());
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {3, 4}, 0);
  EXPECT_EQ(ReasonName(old.Abort(At(0))), "SESSION_UNKNOWN");
  EXPECT_EQ(Lease("a", 1, {5, 6}).session().next_decision, 1u);
}

TEST_F(SessionStoreTest, ARestartForgetsTheDecisionsAndTheParameters) {
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {1, 2}, 0);
  auto lease = store_.Acquire("a", At(0));
  ASSERT_TRUE(lease.ok());
  EXPECT_EQ(ReasonOf(Begin("a", 1, {1, 2})), "DECISION_IN_FLIGHT");
  ASSERT_TRUE(lease->Restart(Afresh(8), At(0)).ok());
  EXPECT_EQ(alive_, 1);
  EXPECT_EQ(ReasonOf(Begin("a", 1, {1, 2})), "DECISION_SKIPPED");
  SessionLease first = Lease("a", 0, {1, 2});
  EXPECT_EQ(first.session().next_decision, 0u);
  EXPECT_EQ(first.session().seed, 8u);
}

TEST_F(SessionStoreTest, UnknownSessionsAreNeverMadeSilently) {
  for (const std::string id : {"never", ""}) {
    EXPECT_EQ(ReasonOf(Begin(id, 0, {1, 2})), "SESSION_UNKNOWN");
    EXPECT_EQ(ReasonName(store_.Acquire(id, At(0)).status()),
              "SESSION_UNKNOWN");
    EXPECT_EQ(ReasonName(store_.Close(id, At(0))), "SESSION_UNKNOWN");
  }
  ASSERT_TRUE(Open("a").ok());
  ASSERT_TRUE(store_.Close("a", At(0)).ok());
  EXPECT_EQ(ReasonOf(Begin("a", 0, {1, 2})), "SESSION_UNKNOWN");
  EXPECT_EQ(ReasonName(store_.Close("a", At(0))), "SESSION_UNKNOWN");
}

TEST_F(SessionStoreTest, TwoSessionsCannotShareAnId) {
  ASSERT_TRUE(Open("a").ok());
  Decide("a", {1, 2}, 0);
  EXPECT_EQ(ReasonName(Open("a")), "SESSION_EXISTS");
  EXPECT_EQ(Lease("a", 1, {1, 2}).session().next_decision, 1u);
}

TEST_F(SessionStoreTest, AFullStoreRefusesNewSessionsAndKeepsOpenOnes) {
  for (const char* id : {"a", "b", "c"}) ASSERT_TRUE(Open(id, 0).ok());
  const absl::Status full = Open("d", 10);
  EXPECT_EQ(ReasonName(full), "SESSIONS_FULL");
  EXPECT_EQ(full.message(), "3 sessions are open, expected fewer than 3");
  // The first of them expires after 60 s.
  EXPECT_EQ(RetryDelay(full), absl::Seconds(50));
  EXPECT_EQ(alive_, 3);
  ASSERT_TRUE(store_.Close("b", At(10)).ok());
  EXPECT_TRUE(Open("d", 10).ok());
}

TEST_F(SessionStoreTest, ASessionThatWasNotOpenedWholeVanishes) {
  SessionState session;
  session.id = "a";
  session.observation_size = 2;
  auto lease = store_.Open(std::move(session), At(0));
  ASSERT_TRUE(lease.ok());
  EXPECT_EQ(ReasonOf(Begin("a", 0, {1, 2})), "DECISION_IN_FLIGHT");
  ASSERT_TRUE(lease->Abort(At(0)).ok());
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_TRUE(Open("a").ok());
}

TEST_F(SessionStoreTest, AnIdleSessionIsGoneForEveryoneAndThenFreed) {
  ASSERT_TRUE(Open("a", 0).ok());
  ASSERT_TRUE(Open("b", 0, absl::Hours(1)).ok());
  EXPECT_TRUE(Begin("a", 0, {1, 2}, 59).ok());
  EXPECT_THAT(store_.Expire(At(118)), IsEmpty());
  EXPECT_EQ(ReasonOf(Begin("a", 0, {1, 2}, 119)), "SESSION_UNKNOWN");
  EXPECT_EQ(alive_, 2);
  EXPECT_THAT(store_.Expire(At(119)), ElementsAre("a"));
  EXPECT_EQ(alive_, 1);
  EXPECT_EQ(store_.next_expiry(), At(3600));
}

TEST_F(SessionStoreTest, EveryUseOfASessionPutsItsExpiryOff) {
  ASSERT_TRUE(Open("a", 0).ok());
  Decide("a", {1, 2}, 0, 50);
  EXPECT_TRUE(Begin("a", 0, {1, 2}, 100).ok());  // A retry.
  EXPECT_THAT(store_.Expire(At(159)), IsEmpty());
  EXPECT_THAT(store_.Expire(At(160)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, ASessionInUseDoesNotExpire) {
  ASSERT_TRUE(Open("a", 0).ok());
  SessionLease lease = Lease("a", 0, {1, 2}, 10);
  EXPECT_THAT(store_.Expire(At(1000)), IsEmpty());
  EXPECT_EQ(ReasonOf(Begin("a", 1, {1, 2}, 1000)), "DECISION_IN_FLIGHT");
  ASSERT_TRUE(lease.Commit(Answer(0), At(1000)).ok());
  EXPECT_THAT(store_.Expire(At(1059)), IsEmpty());
  EXPECT_THAT(store_.Expire(At(1060)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, AnAbandonedDecisionCountsAsUseUntilItsEnd) {
  ASSERT_TRUE(Open("a", 0).ok());
  ASSERT_TRUE(Lease("a", 0, {1, 2}, 10).Abort(At(500)).ok());
  EXPECT_THAT(store_.Expire(At(559)), IsEmpty());
  EXPECT_THAT(store_.Expire(At(560)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, PoliciesThatMayTakeTooMuchMemoryAreRefused) {
  SessionStore::Options options = StoreOptions();
  options.max_psi_bytes = 1000;
  SessionStore store(options);
  const auto open = [&](const std::string& id, size_t bytes) {
    SessionState session;
    session.id = id;
    session.most_psi_bytes = bytes;
    session.idle_timeout = absl::Seconds(30);
    return OpenIn(store, std::move(session));
  };
  ASSERT_TRUE(open("a", 600).ok());
  const absl::Status refused = open("b", 401);
  EXPECT_EQ(ReasonName(refused), "SESSIONS_FULL");
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(30));
  EXPECT_TRUE(open("b", 400).ok());
  EXPECT_TRUE(open("c", 0).ok());
  // Memory that is freed can be taken again.
  ASSERT_TRUE(store.Close("a", At(1)).ok());
  EXPECT_TRUE(open("d", 600).ok());
}

TEST_F(SessionStoreTest, AnOwnerMayOpenOnlySoMany) {
  SessionStore::Options options = StoreOptions();
  options.max_per_owner = 1;
  SessionStore store(options);
  const auto open = [&](const std::string& owner, const std::string& id) {
    SessionState session;
    session.id = id;
    session.owner = owner;
    return OpenIn(store, std::move(session));
  };
  ASSERT_TRUE(open("x", "a").ok());
  const absl::Status refused = open("x", "b");
  EXPECT_EQ(ReasonName(refused), "SESSIONS_FULL");
  EXPECT_TRUE(RetryDelay(refused).has_value());
  EXPECT_TRUE(open("y", "c").ok());
  // A freed place can be taken again.
  ASSERT_TRUE(store.Close("a", At(1)).ok());
  EXPECT_TRUE(open("x", "b").ok());
}

TEST_F(SessionStoreTest, SessionsOfUnknownOwnersAreNotOneOwners) {
  SessionStore::Options options = StoreOptions();
  options.max_per_owner = 1;
  SessionStore store(options);
  for (const std::string id : {"a", "b"}) {
    SessionState session;
    session.id = id;
    EXPECT_TRUE(store.Open(std::move(session), At(0)).ok()) << id;
  }
}

TEST_F(SessionStoreTest, EachIdentityHasItsOwnNameSpaceOfIds) {
  const Observation observation = {1, 2};
  const auto open = [&](const std::string& identity) {
    SessionState session;
    session.id = "a";
    session.identity = session.owner = identity;
    session.observation_size = 2;
    session.idle_timeout = kIdle;
    return OpenIn(store_, std::move(session));
  };
  const auto next_decision = [&](const std::string& identity) {
    cancelled_ = std::make_shared<std::atomic<bool>>(false);
    return store_
        .Begin({"a", 1, observation, cancelled_, "", identity}, nullptr, At(0))
        .status();
  };
  ASSERT_TRUE(open("alice").ok());
  EXPECT_EQ(ReasonName(open("alice")), "SESSION_EXISTS");
  EXPECT_EQ(ReasonName(next_decision("alice")), "DECISION_SKIPPED");
  // Nobody else can tell that it is open, not even callers without an identity.
  for (const std::string other : {"bob", ""}) {
    EXPECT_EQ(ReasonName(next_decision(other)), "SESSION_UNKNOWN") << other;
    EXPECT_EQ(ReasonName(store_.Acquire({other, "a"}, At(0)).status()),
              "SESSION_UNKNOWN");
    EXPECT_EQ(ReasonName(store_.Close({other, "a"}, At(0))), "SESSION_UNKNOWN");
  }
  ASSERT_TRUE(open("bob").ok());
  ASSERT_TRUE(store_.Close({"alice", "a"}, At(0)).ok());
  EXPECT_TRUE(store_.Acquire({"bob", "a"}, At(0)).ok());
  EXPECT_THAT(store_.Expire(At(60)), ElementsAre("a"));
  EXPECT_EQ(alive_, 0);
}

TEST_F(SessionStoreTest, ASessionWhoseConnectionWasLostExpiresSooner) {
  ASSERT_TRUE(Open("a").ok());
  ASSERT_TRUE(Open("b").ok());
  const Observation observation = {1, 2};
  const auto use = [&](const std::string& id, const std::string& connection) {
    cancelled_ = std::make_shared<std::atomic<bool>>(false);
    (void)store_.Begin({id, std::nullopt, observation, cancelled_, connection},
                       nullptr, At(0));
  };
  use("a", "gone");
  use("b", "here");
  store_.KeepConnections({"here"});
  EXPECT_THAT(store_.Expire(At(9)), IsEmpty());
  EXPECT_THAT(store_.Expire(At(10)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, ASessionThatWasNeverUsedIsLostWithItsConnection) {
  ASSERT_TRUE(Open("a", 0, kIdle, "gone").ok());
  ASSERT_TRUE(Open("b", 0, kIdle, "here").ok());
  store_.KeepConnections({"here"});
  EXPECT_THAT(store_.Expire(At(10)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, ASessionThatIsResetOnAnotherConnectionIsNotLost) {
  ASSERT_TRUE(Open("a", 0, kIdle, "gone").ok());
  store_.KeepConnections({"here"});
  ASSERT_TRUE(store_.Acquire("a", At(1), "here").ok());
  store_.KeepConnections({"here"});
  EXPECT_THAT(store_.Expire(At(60)), IsEmpty());
  EXPECT_THAT(store_.Expire(At(61)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, UsingALostSessionAgainSavesIt) {
  ASSERT_TRUE(Open("a").ok());
  const Observation observation = {1, 2};
  for (const char* connection : {"gone", "here"}) {
    cancelled_ = std::make_shared<std::atomic<bool>>(false);
    (void)store_.Begin({"a", std::nullopt, observation, cancelled_, connection},
                       nullptr, At(0));
    store_.KeepConnections({"here"});
  }
  EXPECT_THAT(store_.Expire(At(59)), IsEmpty());
  EXPECT_THAT(store_.Expire(At(60)), ElementsAre("a"));
}

TEST_F(SessionStoreTest, ARestartMayKeepTheParameters) {
  ASSERT_TRUE(Open("a").ok());
  const PolicyParameters* parameters = nullptr;
  {
    auto lease = store_.Acquire("a", At(0));
    ASSERT_TRUE(lease.ok());
    parameters = lease->session().parameters.get();
    ASSERT_TRUE(lease->Restart({nullptr, {}, nullptr, 8}, At(0)).ok());
  }
  const auto lease = store_.Acquire("a", At(0));
  ASSERT_TRUE(lease.ok());
  EXPECT_EQ(lease->session().parameters.get(), parameters);
  EXPECT_EQ(lease->session().seed, 8u);
}

// The store never looks into a model; only its identity counts here.
std::shared_ptr<const LoadedModel> Opaque(
    const std::shared_ptr<const int>& number) {
  return {number, reinterpret_cast<const LoadedModel*>(number.get())};
}

TEST_F(SessionStoreTest, ARestartMayChangeTheModelAndTheSettings) {
  const auto first = std::make_shared<const int>(1);
  const auto second = std::make_shared<const int>(2);
  SessionState session;
  session.id = "a";
  session.observation_size = 2;
  session.idle_timeout = kIdle;
  session.model = Opaque(first);
  session.settings.steps = 1;
  auto lease = store_.Open(std::move(session), At(0));
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(lease->Restart(Afresh(7), At(0)).ok());
  Decide("a", {1, 2}, 0);
  EXPECT_EQ(first.use_count(), 2);
  lease = store_.Acquire("a", At(0));
  ASSERT_TRUE(lease.ok());
  SessionRestart restart = Afresh(8);
  restart.model = Opaque(second);
  restart.settings.steps = 5;
  ASSERT_TRUE(lease->Restart(std::move(restart), At(0)).ok());
  EXPECT_EQ(first.use_count(), 1);  // No session holds it any more.
  const SessionLease next = Lease("a", 0, {1, 2});
  EXPECT_EQ(next.session().model, Opaque(second));
  EXPECT_EQ(next.session().settings.steps, 5);
}

// For the sanitizers: sessions are opened, used, retried, closed and expired
// by several threads at once, and each committed decision is counted once.
TEST_F(SessionStoreTest, ManyThreadsCountEachDecisionOnce) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 500;
  ASSERT_TRUE(Open("shared").ok());
  std::atomic<uint64_t> committed = 0, leases = 0;
  const uint64_t seed = Lease("shared", std::nullopt, {1, 2}).session().seed;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const auto flag = std::make_shared<std::atomic<bool>>(false);
        const Observation observation = {static_cast<float>(t), 0};
        auto admission = store_.Begin(
            {"shared", std::nullopt, observation, flag, ""}, nullptr, At(0));
        if (!admission.ok()) continue;
        auto lease = std::get<SessionLease>(*std::move(admission));
        ++lease.session().seed;  // Only the holder of the lease may.
        ++leases;
        if (i % 3 == 0) continue;  // Dropped.
        if (lease.Commit(Answer(0), At(0)).ok()) ++committed;
        (void)store_.Expire(At(30));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(committed, 0u);
  const SessionLease lease = Lease("shared", std::nullopt, {1, 2});
  EXPECT_EQ(lease.session().next_decision, committed);
  EXPECT_EQ(lease.session().seed, seed + leases);
}

TEST_F(SessionStoreTest, BytesCountFromTheFirstChangeUntilTheSessionIsGone) {
  constexpr size_t kBytes = CountedParameters::kBytes;
  const auto change = [this](const std::string& id) {
    SessionLease lease = Lease(id, std::nullopt, {1, 2});
    EXPECT_TRUE(lease.session().parameters->Import({}).ok());
    EXPECT_TRUE(lease.Commit(Answer(1), At(0)).ok());
  };
  ASSERT_TRUE(Open("closed").ok());
  ASSERT_TRUE(Open("expires").ok());
  ASSERT_TRUE(Open("unchanged").ok());
  Decide("unchanged", {1, 2}, 1);
  EXPECT_EQ(store_.owned_bytes(), 0u);
  change("closed");
  change("closed");
  change("expires");
  EXPECT_EQ(store_.owned_bytes(), 2 * kBytes);
  // A restart shares the model's parameters again.
  auto lease = store_.Acquire("closed", At(0));
  ASSERT_TRUE(lease.ok());
  ASSERT_TRUE(lease->Restart(Afresh(7), At(0)).ok());
  EXPECT_EQ(store_.owned_bytes(), kBytes);
  change("closed");
  ASSERT_TRUE(store_.Close("closed", At(1)).ok());
  EXPECT_EQ(store_.owned_bytes(), kBytes);
  store_.Expire(At(100));
  EXPECT_EQ(store_.owned_bytes(), 0u);
}

TEST_F(SessionStoreTest, ACallerThatKnowsALaterEpochIsToldSo) {
  ASSERT_TRUE(Open("a").ok());
  const std::vector<float> observation = {1, 2};
  SessionStore::DecisionRequest request;
  request.session_id = "a";
  request.observation = observation;
  request.cancelled = std::make_shared<std::atomic<bool>>(false);
  request.epoch = 2;
  EXPECT_EQ(ReasonOf(store_.Begin(request, nullptr, At(0))), "SESSION_MOVED");
  request.epoch = 1;
  EXPECT_TRUE(store_.Begin(request, nullptr, At(0)).ok());
}

TEST_F(SessionStoreTest, OnlyTheNamedSessionIsDropped) {
  ASSERT_TRUE(Open("a").ok());
  const auto mark = store_.Find("a");
  ASSERT_TRUE(mark.has_value());
  EXPECT_EQ(mark->epoch, 1u);
  EXPECT_FALSE(store_.Drop("a", mark->incarnation, /*epoch=*/0));
  EXPECT_FALSE(store_.Drop("a", mark->incarnation + 1, 1));
  EXPECT_FALSE(store_.Drop("b", mark->incarnation, 1));
  EXPECT_EQ(store_.size(), 1u);
  EXPECT_TRUE(store_.Drop("a", mark->incarnation, 1));
  EXPECT_FALSE(store_.Find("a").has_value());
  EXPECT_EQ(alive_, 0);
  EXPECT_TRUE(Open("a").ok());
}

TEST_F(SessionStoreTest, ADroppedSessionsDecisionComesToNothing) {
  ASSERT_TRUE(Open("a").ok());
  SessionLease lease = Lease("a", 0, {1, 2});
  bool told = false;
  const auto waiting = Begin(
      "a", 0, {1, 2}, 0, [&](const auto& answer) { told = answer == nullptr; });
  ASSERT_TRUE(waiting.ok());
  EXPECT_TRUE(store_.Drop("a", lease.session().incarnation, 1));
  EXPECT_EQ(ReasonName(lease.Commit(Answer(0), At(0))), "SESSION_MOVED");
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace foresight

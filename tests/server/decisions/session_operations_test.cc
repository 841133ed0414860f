#include "server/decisions/session_operations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"
#include "prometheus/text_serializer.h"
#include "server/decisions/saved_session.h"
#include "server/durability/snapshot.h"
#include "server/support/error.h"
#include "tests/server/decisions/deciding_session.h"
#include "tests/server/decisions/fake_shared_store.h"

namespace foresight {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

const Caller kMe = {"me", "me:1"};

class SessionOperationsTest : public ::testing::Test {
 protected:
  SessionOperationsTest() {
    LoadedModel model = *maker_.model();
    EXPECT_TRUE(models_.Add(std::move(model)).ok());
  }

  static v1::OpenSessionRequest Named(const std::string& id) {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    request.set_seed(7);
    request.mutable_settings()->set_steps(1);
    return request;
  }
  template <typename Request>
  static Request Of(const std::string& id) {
    Request request;
    request.set_session_id(id);
    return request;
  }
  absl::StatusOr<v1::SessionSnapshot> Export(const std::string& id,
                                             const Caller& caller) {
    absl::StatusOr<v1::SessionSnapshot> exported = absl::UnknownError("none");
    operations_.Export(Of<v1::ExportSessionRequest>(id), caller,
                       [&](auto snapshot) { exported = std::move(snapshot); });
    return exported;
  }
  // A decision, as a DecisionMaker makes one.
  void Decide(const std::string& id, const Caller& caller, float value) {
    auto lease = sessions_.Acquire({caller.identity, id}, MonotonicNow());
    ASSERT_TRUE(lease.ok()) << lease.status();
    maker_.Decide(lease->session(), value);
  }
  double OpenSessions() { return metrics_.sessions.Value(); }

  SessionMaker maker_;
  Metrics metrics_{"test"};
  ModelRegistry models_;
  const SessionKeeper keeper_{{}, nullptr};
  SessionStore sessions_{{3, 3}};
  SharedMedium medium_;
  std::unique_ptr<TakeOvers> take_overs_ = std::make_unique<TakeOvers>(
      TakeOvers::Options(),
      TakeOvers::Parts{
          [this] { return std::make_unique<FakeSharedStore>(&medium_); },
          &sessions_,
          [this](const KeptSession& kept) { return operations_.Resume(kept); },
          [this](const SessionName& name) { operations_.NoteLost(name); }});
  SessionOperations operations_{
      {},       {},        &models_,     &sessions_,
      &keeper_, &metrics_, MonotonicNow, take_overs_.get()};

  void TearDown() override { take_overs_->Stop(); }
};

TEST_F(SessionOperationsTest, ASessionIsOpenedAsAskedForAndClosed) {
  const auto opened = operations_.Open(Named("a"), kMe);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->session_id(), "a");
  EXPECT_EQ(opened->seed(), 7u);
  EXPECT_EQ(opened->next_decision(), 0u);
  EXPECT_EQ(opened->epoch(), 1u);
  EXPECT_EQ(OpenSessions(), 1);
  EXPECT_EQ(ReasonName(operations_.Open(Named("a"), kMe).status()),
            "SESSION_EXISTS");
  EXPECT_TRUE(operations_.Open(Named("a"), {"you", "you:1"}).ok());
  EXPECT_TRUE(operations_.Close(Of<v1::CloseSessionRequest>("a"), kMe).ok());
  EXPECT_EQ(OpenSessions(), 1);
  EXPECT_EQ(
      ReasonName(operations_.Close(Of<v1::CloseSessionRequest>("a"), kMe)),
      "SESSION_UNKNOWN");
}

TEST_F(SessionOperationsTest, WithoutAnIdTheServerChoosesOne) {
  v1::OpenSessionRequest request;
  const auto first = operations_.Open(request, kMe);
  const auto second = operations_.Open(request, kMe);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_NE(first->session_id(), second->session_id());
}

TEST_F(SessionOperationsTest, AResetSessionIsAtItsBeginning) {
  ASSERT_TRUE(operations_.Open(Named("a"), kMe).ok());
  Decide("a", kMe, 0.5f);
  auto request = Of<v1::ResetSessionRequest>("a");
  request.set_seed(9);
  const auto reset = operations_.Reset(request, kMe);
  ASSERT_TRUE(reset.ok());
  EXPECT_EQ(reset->seed(), 9u);
  EXPECT_EQ(reset->next_decision(), 0u);
  const auto lease = sessions_.Acquire({"me", "a"}, MonotonicNow());
  EXPECT_EQ(lease->session().seed, 9u);
  EXPECT_EQ(lease->session().parameters->Export(),
            maker_.engine()->NewParameters()->Export());
  EXPECT_EQ(ReasonName(operations_.Reset(request, {"you", ""}).status()),
            "SESSION_UNKNOWN");
}

TEST_F(SessionOperationsTest, AResetMayKeepThePolicy) {
  ASSERT_TRUE(operations_.Open(Named("a"), kMe).ok());
  Decide("a", kMe, 0.5f);
  auto request = Of<v1::ResetSessionRequest>("a");
  request.set_keep_policy(true);
  ASSERT_TRUE(operations_.Reset(request, kMe).ok());
  const auto lease = sessions_.Acquire({"me", "a"}, MonotonicNow());
  EXPECT_NE(lease->session().parameters->Export(),
            maker_.engine()->NewParameters()->Export());
  EXPECT_EQ(lease->session().seed, 7u);
}

TEST_F(SessionOperationsTest, ASnapshotGoesOnWhereItWasInTheNextEpoch) {
  ASSERT_TRUE(operations_.Open(Named("a"), kMe).ok());
  Decide("a", kMe, 0.5f);
  const auto snapshot = Export("a", kMe);
  ASSERT_TRUE(snapshot.ok()) << snapshot.status();
  EXPECT_EQ(ReasonName(operations_.Import(*snapshot, kMe).status()),
            "SESSION_EXISTS");
  const auto imported = operations_.Import(*snapshot, {"you", "you:1"});
  ASSERT_TRUE(imported.ok()) << imported.status();
  EXPECT_EQ(imported->next_decision(), 1u);
  EXPECT_EQ(imported->epoch(), 2u);
  EXPECT_EQ(ReasonName(Export("b", kMe).status()), "SESSION_UNKNOWN");
}

TEST_F(SessionOperationsTest, AKeptSessionIsResumedWithItsDecisions) {
  SessionState before = maker_.NewSession("a");
  before.identity = "me";
  KeptSession kept;
  kept.name = {"me\na", 5, 2};
  kept.session = Save(before);
  v1::SavedDecision decision;
  *decision.mutable_answer() = maker_.Decide(before, 0.5f);
  for (int i = 0; i < 3; ++i) decision.add_observation(0.5f);
  kept.decisions.push_back(decision);
  ASSERT_TRUE(operations_.Resume(kept).ok());
  const auto mark = sessions_.Find({"me", "a"});
  ASSERT_TRUE(mark.has_value());
  EXPECT_EQ(mark->incarnation, 5u);
  EXPECT_EQ(mark->epoch, 2u);
  const auto lease = sessions_.Acquire({"me", "a"}, MonotonicNow());
  EXPECT_EQ(lease->session().next_decision, 1u);
  EXPECT_EQ(OpenSessions(), 1);
}

TEST_F(SessionOperationsTest, ALostSessionIsDroppedUnlessANewerOneIsHere) {
  ASSERT_TRUE(operations_.Open(Named("a"), kMe).ok());
  const auto mark = sessions_.Find({"me", "a"});
  operations_.Lose({"me\na", mark->incarnation, 0});
  operations_.Lose({"me\na", mark->incarnation + 1, 9});
  EXPECT_TRUE(sessions_.Find({"me", "a"}).has_value());
  operations_.Lose({"me\na", mark->incarnation, 1});
  EXPECT_FALSE(sessions_.Find({"me", "a"}).has_value());
  EXPECT_EQ(OpenSessions(), 0);
}

TEST_F(SessionOperationsTest, AnotherServersSessionIsFetchedBeforeItIsUsed) {
  SessionState elsewhere = maker_.NewSession("a");
  elsewhere.identity = "me";
  medium_.Keep("me\na", 5, 1, Save(elsewhere));
  absl::Notification here;
  operations_.WhenHere("a", kMe, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    here.Notify();
  });
  ASSERT_TRUE(here.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(sessions_.Find({"me", "a"}).has_value());
  absl::Notification unknown;
  operations_.WhenHere("b", kMe, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << "left to what is done next: " << status;
    unknown.Notify();
  });
  ASSERT_TRUE(unknown.WaitForNotificationWithTimeout(kPatience));
  medium_.SetFailure(absl::UnavailableError("down"));
  absl::Notification down;
  operations_.WhenHere("b", kMe, [&](const absl::Status& status) {
    EXPECT_EQ(ReasonName(status), "STORE_UNAVAILABLE");
    down.Notify();
  });
  ASSERT_TRUE(down.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(SessionOperationsTest, ASessionDroppedAtItsBeginningNeverBegan) {
  const auto opened = operations_.Open(Named("a"), kMe);
  ASSERT_TRUE(opened.ok());
  absl::Status begun = absl::UnknownError("none");
  const auto tell = [&](const absl::Status& status) { begun = status; };
  operations_.WhenBegun(*opened, kMe, true, tell);
  EXPECT_TRUE(begun.ok());
  operations_.Lose({"me\na", sessions_.Find({"me", "a"})->incarnation, 1});
  operations_.WhenBegun(*opened, kMe, true, tell);
  EXPECT_EQ(ReasonName(begun), "SESSION_EXISTS");
}

}  // namespace
}  // namespace foresight

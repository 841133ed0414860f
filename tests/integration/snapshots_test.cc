// Sessions are exported and continue elsewhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>

#include "server/durability/snapshot.h"
#include "tests/integration/served_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class SnapshotsTest : public ServedTest {
 protected:
  grpc::Status Export(const std::string& id, v1::SessionSnapshot* snapshot) {
    v1::ExportSessionRequest request;
    request.set_session_id(id);
    return stub_->ExportSession(Patient().get(), request, snapshot);
  }
  grpc::Status Import(const v1::SessionSnapshot& snapshot,
                      v1::Session* session = nullptr) {
    v1::Session unused;
    return stub_->ImportSession(Patient().get(), snapshot,
                                session != nullptr ? session : &unused);
  }
  // Makes three decisions in session "a", closes it and returns its snapshot.
  v1::SessionSnapshot Moved() {
    Open("a", /*steps=*/2);
    for (int n = 0; n < 3; ++n) MustAct(Request("a", 0.1f * n));
    v1::SessionSnapshot snapshot;
    EXPECT_TRUE(Export("a", &snapshot).ok());
    EXPECT_TRUE(Close("a").ok());
    return snapshot;
  }
  // Returns Import's error for the snapshot of Moved() after `change`.
  SeenError Refusal(const std::function<void(v1::SavedSession&)>& change) {
    v1::SavedSession saved = *DecodeSnapshot(Moved().snapshot());
    change(saved);
    v1::SessionSnapshot snapshot;
    snapshot.set_snapshot(EncodeSnapshot(saved));
    return Seen(Import(snapshot));
  }
};

TEST_F(SnapshotsTest, AnImportedSessionContinuesAtItsDecision) {
  StartServer("fused");
  Open("undisturbed", 2);
  for (int n = 0; n < 3; ++n) MustAct(Request("undisturbed", 0.1f * n));
  v1::Session session;
  const grpc::Status imported = Import(Moved(), &session);
  ASSERT_TRUE(imported.ok()) << imported.error_message();
  EXPECT_EQ(session.next_decision(), 3u);
  EXPECT_EQ(session.epoch(), 2u);
  for (int n = 3; n < 6; ++n) {
    EXPECT_EQ(MustAct(Request("a", 0.1f * n)),
              MustAct(Request("undisturbed", 0.1f * n)))
        << n;
  }
}

TEST_F(SnapshotsTest, TheFirstAnswerSaysWhereItResumed) {
  StartServer();
  ASSERT_TRUE(Import(Moved()).ok());
  v1::ActResponse first, second;
  ASSERT_TRUE(Act(Request("a", 0.3f, 3), &first).ok());
  ASSERT_TRUE(Act(Request("a", 0.4f, 4), &second).ok());
  EXPECT_EQ(first.report().resumed_from(), 3u);
  EXPECT_EQ(first.epoch(), 2u);
  EXPECT_FALSE(second.report().has_resumed_from());
}

TEST_F(SnapshotsTest, ARetryWorksAfterTheMove) {
  StartServer();
  const v1::SessionSnapshot snapshot = Moved();
  Open("twin", 2);
  for (int n = 0; n < 2; ++n) MustAct(Request("twin", 0.1f * n));
  ASSERT_TRUE(Import(snapshot).ok());
  v1::ActResponse again;
  ASSERT_TRUE(Act(Request("a", 0.2f, 2), &again).ok());
  EXPECT_EQ(again.decision_index(), 2u);
  EXPECT_EQ(again.epoch(), 2u);
  EXPECT_EQ(std::vector<float>(again.action().begin(), again.action().end()),
            MustAct(Request("twin", 0.2f, 2)));
  EXPECT_EQ(Seen(Act(Request("a", 0.9f, 2))).reason, "DECISION_CHANGED");
}

TEST_F(SnapshotsTest, AnExportWaitsForTheRunningDecision) {
  StartServer();
  Open("a");
  engine_->Hold();
  auto acting =
      std::async(std::launch::async, [&] { return Act(Request("a", 0.5f)); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  v1::SessionSnapshot snapshot;
  auto exporting =
      std::async(std::launch::async, [&] { return Export("a", &snapshot); });
  // An export that did not wait would see the session before the decision.
  EXPECT_EQ(exporting.wait_for(std::chrono::milliseconds(100)),
            std::future_status::timeout);
  engine_->Release();
  ASSERT_TRUE(acting.get().ok());
  ASSERT_TRUE(exporting.get().ok());
  const auto saved = DecodeSnapshot(snapshot.snapshot());
  ASSERT_TRUE(saved.ok());
  EXPECT_EQ(saved->next_decision(), 1u);
}

TEST_F(SnapshotsTest, TheOriginalStaysOpen) {
  StartServer();
  Open("a");
  v1::SessionSnapshot snapshot;
  ASSERT_TRUE(Export("a", &snapshot).ok());
  MustAct(Request("a", 0));
  EXPECT_EQ(Seen(Import(snapshot)).reason, "SESSION_EXISTS");
}

TEST_F(SnapshotsTest, AnUnknownSessionIsNotExported) {
  StartServer();
  v1::SessionSnapshot snapshot;
  EXPECT_EQ(Seen(Export("none", &snapshot)).reason, "SESSION_UNKNOWN");
}

TEST_F(SnapshotsTest, OtherWeightsAreRefused) {
  StartServer();
  const SeenError seen =
      Refusal([](auto& saved) { saved.set_weights_sha256("beef"); });
  EXPECT_EQ(seen.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(seen.reason, "WEIGHTS_DIFFER");
  EXPECT_THAT(seen.message,
              HasSubstr("belongs to weights beef, but model random has"));
}

TEST_F(SnapshotsTest, AnUnknownModelIsRefused) {
  StartServer();
  EXPECT_EQ(Refusal([](auto& saved) { saved.set_model("other"); }).reason,
            "MODEL_UNKNOWN");
}

TEST_F(SnapshotsTest, SettingsThatAreNotServedAreRefused) {
  StartServer();
  EXPECT_EQ(Refusal([](auto& saved) {
              saved.mutable_settings()->set_horizon(65);
            }).reason,
            "SETTINGS_INVALID");
}

TEST_F(SnapshotsTest, AnythingThatIsNotOfTheModelIsRefused) {
  StartServer();
  const std::vector<
      std::pair<std::function<void(v1::SavedSession&)>, const char*>>
      cases = {
          {[](auto& s) { s.mutable_parameters()->Add(1); }, "value"},
          {[](auto& s) { s.clear_last_decision(); },
           "last decision is missing, but its next one is 3"},
          {[](auto& s) { s.set_next_decision(7); },
           "last decision is 2, expected 6"},
          {[](auto& s) { s.mutable_last_decision()->add_observation(0); },
           "4 observations and 2 actions, expected 3 and 2"},
          {[](auto& s) {
             s.mutable_last_decision()->mutable_answer()->set_action(1, 2);
           },
           "the component 2, expected -1 to 1"},
      };
  for (const auto& [change, message] : cases) {
    const SeenError seen = Refusal(change);
    EXPECT_EQ(seen.reason, "SNAPSHOT_INVALID");
    EXPECT_THAT(seen.message, HasSubstr(message));
  }
}

TEST_F(SnapshotsTest, AFullServerRefusesThem) {
  options_.sessions.max_sessions = 1;
  StartServer();
  const v1::SessionSnapshot snapshot = Moved();
  Open("b");
  EXPECT_EQ(Seen(Import(snapshot)).reason, "SESSIONS_FULL");
}

}  // namespace
}  // namespace foresight

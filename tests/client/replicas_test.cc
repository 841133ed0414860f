#include "client/replicas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/fake_adaptation_server.h"
#include "client/session_calls.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

const std::vector<float> kObservation(17, 0.1f);

TEST(RendezvousTest, TheWeightIsTheSameForEver) {
  // Clients of different versions must agree.
  EXPECT_EQ(RendezvousWeight("session", "10.0.0.7:50051"),
            uint64_t{0x77090d0e4783e451});
  EXPECT_NE(RendezvousWeight("ab", "c"), RendezvousWeight("a", "bc"));
}

TEST(RendezvousTest, SessionsSpreadAndFewMoveWhenAReplicaGoes) {
  const std::vector<std::string> replicas = {"10.0.0.1:50051", "10.0.0.2:50051",
                                             "10.0.0.3:50051"};
  const auto best = [&](const std::string& id, int count) {
    int chosen = 0;
    for (int i = 1; i < count; ++i) {
      if (RendezvousWeight(id, replicas[i]) >
          RendezvousWeight(id, replicas[chosen])) {
        chosen = i;
      }
    }
    return chosen;
  };
  constexpr int kSessions = 3000;
  std::map<int, int> counts;
  for (int n = 0; n < kSessions; ++n) {
    const std::string id = absl::StrCat("loop-", n);
    const int with_all = best(id, 3);
    ++counts[with_all];
    // Only the sessions of the third replica move when it goes.
    if (with_all < 2) {
      EXPECT_EQ(best(id, 2), with_all);
    }
  }
  // Six standard deviations of a fair choice.
  for (const auto& [replica, count] : counts) EXPECT_NEAR(count, 1000, 155);
}

class ReplicasTest : public ::testing::Test {
 protected:
  ReplicasTest() {
    for (int i = 0; i < 2; ++i) {
      servers_.push_back(
          std::make_unique<FakeAdaptationServer>(std::vector<v1::Model>{
              FakeAdaptationServer::HalfCheetahModel("cheetah")}));
    }
    options_.retry.initial_backoff = absl::Milliseconds(1);
  }
  std::string List() const {
    return absl::StrCat(servers_[0]->address(), ",", servers_[1]->address());
  }
  AdaptationClient Connect() {
    auto client = AdaptationClient::Connect(List(), options_);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }
  std::shared_ptr<const Replicas> OpenReplicas() {
    auto replicas = Replicas::Open(List(), options_);
    EXPECT_TRUE(replicas.ok()) << replicas.status();
    for (int i = 0; i < 2; ++i) AwaitReady(**replicas, i, true);
    return *std::move(replicas);
  }
  static void AwaitReady(const Replicas& replicas, int replica, bool ready) {
    const SteadyTime give_up = After(SteadyNow(), absl::Seconds(30));
    while (replicas.connection(replica)->ready() != ready) {
      ASSERT_LT(SteadyNow(), give_up);
      std::this_thread::yield();
    }
  }
  // The id of a session that the client places at `replica`.
  static std::string IdAt(const Replicas& replicas, int replica) {
    for (int n = 0;; ++n) {
      const std::string id = absl::StrCat("loop-", n);
      if (replicas.Choose(id) == replica) return id;
    }
  }

  std::vector<std::unique_ptr<FakeAdaptationServer>> servers_;
  Connection::Options options_;
};

TEST_F(ReplicasTest, ASessionHasItsReplicaWhileThatServes) {
  const auto replicas = OpenReplicas();
  const std::string id = IdAt(*replicas, 1);
  EXPECT_EQ(replicas->Choose(id), 1);
  EXPECT_EQ(replicas->Choose(id, /*avoided=*/1), 0);
  servers_[1]->Stop();
  AwaitReady(*replicas, 1, false);
  EXPECT_EQ(replicas->Choose(id), 0);
  EXPECT_EQ(replicas->Choose(id, /*avoided=*/0), 1) << "the only other one";
  servers_[1]->Restart();
  AwaitReady(*replicas, 1, true);
  EXPECT_EQ(replicas->Choose(id), 1);
}

TEST_F(ReplicasTest, OneThatServesIsEnoughToConnect) {
  servers_[0]->Stop();
  const AdaptationClient client = Connect();
  EXPECT_TRUE(client.ListModels().ok());
}

TEST_F(ReplicasTest, WithoutAnyTheListIsNamed) {
  servers_[0]->Stop();
  servers_[1]->Stop();
  options_.connect_timeout = absl::Milliseconds(20);
  const absl::Status status =
      AdaptationClient::Connect(List(), options_).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(servers_[0]->address() + ", "));
}

TEST_F(ReplicasTest, ASessionMovesWhenItsReplicaGoes) {
  const auto replicas = OpenReplicas();
  const AdaptationClient client = Connect();
  SessionOptions options;
  options.session_id = IdAt(*replicas, 0);
  // The other replica has the session, too, as if it had taken it over.
  auto other = AdaptationClient::Connect(servers_[1]->address(), options_)
                   ->OpenSession(options);
  auto session = client.OpenSession(options);
  ASSERT_TRUE(session.ok() && other.ok());
  ASSERT_EQ(servers_[0]->opened_sessions(), 1);
  ASSERT_TRUE(session->Act(kObservation).ok());
  ASSERT_TRUE(other->Act(kObservation).ok());
  servers_[0]->Stop();
  const auto moved = session->Act(kObservation);
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ(moved->decision_index(), 1u);
  EXPECT_EQ(session->replica(), 1);
  // It stays there, although its first replica is back.
  servers_[0]->Restart();
  AwaitReady(*replicas, 0, true);
  ASSERT_TRUE(session->Act(kObservation).ok());
  EXPECT_EQ(session->replica(), 1);
}

TEST_F(ReplicasTest, AServerThatDrainsIsLeft) {
  const auto replicas = OpenReplicas();
  const AdaptationClient client = Connect();
  SessionOptions options;
  options.session_id = IdAt(*replicas, 0);
  servers_[0]->FailNext(
      1, DetailedStatus(grpc::StatusCode::UNAVAILABLE, "ending", "DRAINING",
                        absl::InfiniteDuration()));
  const auto session = client.OpenSession(options);
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(servers_[1]->opened_sessions(), 1);
}

TEST_F(ReplicasTest, EachReplicaHasAStream) {
  const auto replicas = OpenReplicas();
  const AdaptationClient client = Connect();
  const auto stream = client.OpenReconnectingStream();
  for (int i = 0; i < 2; ++i) {
    SessionOptions options;
    options.session_id = IdAt(*replicas, i);
    auto session = client.OpenSession(options);
    ASSERT_TRUE(session.ok()) << session.status();
    for (int n = 0; n < 2; ++n) {
      const auto asked =
          CallsOf(*session).Begin(kObservation, {}, stream.get());
      auto answer = asked->Await(After(SteadyNow(), absl::Seconds(30)));
      ASSERT_TRUE(answer.has_value() && answer->ok()) << answer->status();
      EXPECT_EQ(CallsOf(*session).Finish(*answer),
                DecisionSequence::Next::kDone);
    }
  }
  EXPECT_EQ(servers_[0]->streams(), 1);
  EXPECT_EQ(servers_[1]->streams(), 1);
  EXPECT_EQ(stream->reconnects(), 0);
}

}  // namespace
}  // namespace foresight

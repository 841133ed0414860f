#include "foresight/fake_server.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

const std::vector<double> kObservation = {0.5, -1, 2};

class FakeServerTest : public ::testing::Test {
 protected:
  FakeServerTest() : server_(Start()) {
    AdaptationClient::Options options;
    options.retry.max_attempts = 1;
    auto client = AdaptationClient::Connect(server_.address(), options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<AdaptationClient>(*std::move(client));
  }

  static FakeServer Start() {
    FakeServer::Options options;
    options.observation_size = 3;
    options.action_size = 2;
    options.policy = [](absl::Span<const float> observation) {
      return std::vector<float>{observation[2] / 4, observation[0]};
    };
    auto server = FakeServer::Start(options);
    EXPECT_TRUE(server.ok()) << server.status();
    return *std::move(server);
  }

  FakeServer server_;
  std::unique_ptr<AdaptationClient> client_;
};

TEST_F(FakeServerTest, AnswersWithItsPolicy) {
  auto session = client_->OpenSession();
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->description().model().observation_size(), 3u);
  for (uint64_t i = 0; i < 2; ++i) {
    const auto answer = session->Act(kObservation);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->decision_index(), i);
    ASSERT_EQ(answer->action_size(), 2);
    EXPECT_FLOAT_EQ(answer->action(0), 0.5f);
    EXPECT_FLOAT_EQ(answer->action(1), 0.5f);
  }
  EXPECT_EQ(server_.last_request().observation_size(), 3);
  EXPECT_EQ(server_.open_sessions(), 1);
}

TEST_F(FakeServerTest, WithoutAPolicyActionsAreATenthOfTheObservation) {
  FakeServer::Options options;
  options.observation_size = 1;
  options.action_size = 2;
  const auto server = FakeServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto client = AdaptationClient::Connect(server->address());
  ASSERT_TRUE(client.ok()) << client.status();
  auto session = client->OpenSession();
  ASSERT_TRUE(session.ok()) << session.status();
  const auto answer = session->Act(std::vector<float>{5});
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_EQ(answer->action_size(), 2);
  EXPECT_FLOAT_EQ(answer->action(0), 0.5f);
  EXPECT_FLOAT_EQ(answer->action(1), 0);
}

TEST_F(FakeServerTest, RefusesObservationsOfAnotherSize) {
  auto session = client_->OpenSession();
  ASSERT_TRUE(session.ok()) << session.status();
  const auto answer = session->Act(std::vector<float>{1});
  EXPECT_EQ(ErrorReason(answer.status()), v1::OBSERVATION_INVALID);
  EXPECT_EQ(answer.status().message(), "observation has 1 values, expected 3");
}

TEST_F(FakeServerTest, FailsOnCommand) {
  server_.FailNext(1, absl::ResourceExhaustedError("busy"), v1::OVERLOADED);
  const auto refused = client_->OpenSession();
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.status().message(), "busy");
  EXPECT_EQ(ErrorReason(refused.status()), v1::OVERLOADED);
  EXPECT_TRUE(client_->OpenSession().ok());
}

TEST_F(FakeServerTest, LosesAnswersOfDecisionsThatItMade) {
  auto session = client_->OpenSession();
  ASSERT_TRUE(session.ok()) << session.status();
  server_.LoseNextAnswers(1);
  EXPECT_EQ(session->Act(kObservation).status().code(),
            absl::StatusCode::kUnavailable);
  const auto again = session->Act(kObservation);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->decision_index(), 0u);
}

TEST_F(FakeServerTest, StallsUntilItIsReleased) {
  auto session = client_->OpenSession();
  ASSERT_TRUE(session.ok()) << session.status();
  server_.Stall();
  ActOptions options;
  options.call.timeout = absl::Milliseconds(10);
  EXPECT_EQ(session->Act(kObservation, options).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  server_.Release();
  EXPECT_TRUE(session->Act(kObservation).ok());
}

TEST_F(FakeServerTest, ComesBackAtItsAddressWithoutItsSessions) {
  auto session = client_->OpenSession();
  ASSERT_TRUE(session.ok()) << session.status();
  server_.Stop();
  ASSERT_TRUE(server_.Restart().ok());
  absl::Status status;
  do {  // The first calls may see the old connection's end.
    status = session->Act(kObservation).status();
  } while (absl::IsUnavailable(status));
  EXPECT_EQ(ErrorReason(status), v1::SESSION_UNKNOWN);
  EXPECT_EQ(server_.open_sessions(), 0);
  EXPECT_EQ(server_.opened_sessions(), 1);
}

}  // namespace
}  // namespace foresight

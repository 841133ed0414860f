#include "foresight/remote_session.h"

#include <gtest/gtest.h>

#include <vector>

#include "client/fake_adaptation_server.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

const std::vector<float> kObservation(17, 0.1f);
const std::vector<float> kNewer(17, 0.2f);

// Every behaviour holds with separate calls and on a stream.
class SessionTest : public ::testing::TestWithParam<bool> {
 protected:
  SessionTest() : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    AdaptationClient::Options options;
    options.retry.initial_backoff = absl::Milliseconds(1);
    auto client = AdaptationClient::Connect(server_.address(), options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<AdaptationClient>(*std::move(client));
    if (GetParam()) stream_ = client_->OpenControlStream();
  }

  std::unique_ptr<RemoteSession> Open() {
    SessionOptions options;
    options.settings.set_steps(2);
    options.seed = 5;
    auto session = client_->OpenSession(options);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? std::make_unique<RemoteSession>(*std::move(session))
                        : nullptr;
  }

  ActOptions Options() const {
    ActOptions options;
    options.stream = stream_.get();
    return options;
  }

  FakeAdaptationServer server_;
  std::unique_ptr<AdaptationClient> client_;
  std::unique_ptr<ControlStream> stream_;
};

INSTANTIATE_TEST_SUITE_P(Calls, SessionTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Stream, SessionTest, ::testing::Values(true));

TEST_P(SessionTest, DecisionsAreCountedAndAnswered) {
  const auto session = Open();
  ASSERT_NE(session, nullptr);
  EXPECT_EQ(session->description().settings().steps(), 2u);
  EXPECT_EQ(session->description().seed(), 5u);
  for (uint64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(session->next_decision(), i);
    const auto response = session->Act(kObservation, Options());
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->decision_index(), i);
    EXPECT_FLOAT_EQ(response->action(0), 0.1f * 3 * 0.1f + 0.05f);
    EXPECT_EQ(response->report().steps_done(), 2u);
  }
}

TEST_P(SessionTest, ClosesWhenDestroyed) {
  auto session = Open();
  EXPECT_EQ(server_.open_sessions(), 1);
  session.reset();
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_P(SessionTest, ClosingTwiceIsClosingOnce) {
  const auto session = Open();
  const int calls = server_.calls();
  EXPECT_TRUE(session->Close().ok());
  EXPECT_TRUE(session->Close().ok());
  EXPECT_EQ(server_.calls(), calls + 1);
}

TEST_P(SessionTest, ALostSessionIsReported) {
  const auto session = Open();
  server_.Stop();
  server_.Restart();  // Ends all sessions.
  absl::Status status = absl::UnavailableError("");
  while (status.code() == absl::StatusCode::kUnavailable) {
    // The first call may see the old connection's end.
    if (GetParam()) stream_ = client_->OpenControlStream();
    status = session->Act(kObservation, Options()).status();
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(status), v1::SESSION_UNKNOWN);
  EXPECT_EQ(ErrorReason(session->Reset()), v1::SESSION_UNKNOWN);
  EXPECT_EQ(ErrorReason(session->Close()), v1::SESSION_UNKNOWN);
}

TEST_P(SessionTest, ResetStartsAnotherEpisode) {
  const auto session = Open();
  ASSERT_TRUE(session->Act(kObservation, Options()).ok());
  ResetOptions reset;
  reset.seed = 6;
  ASSERT_TRUE(session->Reset(reset).ok());
  EXPECT_EQ(session->next_decision(), 0u);
  const auto response = session->Act(kNewer, Options());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision_index(), 0u);
  EXPECT_FLOAT_EQ(response->action(0), 0.1f * 3 * 0.2f + 0.06f);
}

TEST_P(SessionTest, APassingRefusalIsRetried) {
  const auto session = Open();
  server_.FailNext(2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "draining"));
  const auto response = session->Act(kObservation, Options());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision_index(), 0u);
  EXPECT_EQ(session->next_decision(), 1u);
}

TEST_P(SessionTest, ADecisionGivenUpMayBeAskedForAgain) {
  const auto session = Open();
  server_.Stall();
  ActOptions options = Options();
  options.call.timeout = absl::Milliseconds(20);
  EXPECT_EQ(session->Act(kObservation, options).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(session->next_decision(), 0u);
  server_.Release();
  const auto response = session->Act(kObservation, Options());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision_index(), 0u);
}

TEST_P(SessionTest, CancellationEndsTheWaitAndTheSessionContinues) {
  const auto session = Open();
  Cancellation cancellation;
  cancellation.Cancel();
  ActOptions options = Options();
  options.call.cancellation = &cancellation;
  EXPECT_EQ(session->Act(kObservation, options).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_TRUE(session->Act(kObservation, Options()).ok());
}

TEST_P(SessionTest, BudgetAndObjectiveTravel) {
  const auto session = Open();
  ActOptions options = Options();
  options.budget = absl::Milliseconds(1500);
  options.report_objective_after = true;
  ASSERT_TRUE(session->Act(kObservation, options).ok());
  const v1::ActRequest request = server_.last_act();
  EXPECT_EQ(request.budget().seconds(), 1);
  EXPECT_EQ(request.budget().nanos(), 500000000);
  EXPECT_TRUE(request.report_objective_after());
}

TEST_P(SessionTest, ThePlanFollowsTheAction) {
  const auto session = Open();
  ActOptions options = Options();
  options.plan_length = 2;
  const auto response = session->Act(kObservation, options);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->plan_size(), 2);
  EXPECT_FLOAT_EQ(response->plan(0).values(5), response->action(5) + 0.1f);
  EXPECT_FLOAT_EQ(response->plan(1).values(5), response->action(5) + 0.2f);
}

TEST_P(SessionTest, KeepPolicyTravels) {
  const auto session = Open();
  ASSERT_TRUE(session->Reset().ok());
  EXPECT_FALSE(server_.last_reset().keep_policy());
  ResetOptions options;
  options.keep_policy = true;
  ASSERT_TRUE(session->Reset(options).ok());
  EXPECT_TRUE(server_.last_reset().keep_policy());
  EXPECT_FALSE(server_.last_reset().has_seed());
}

TEST_P(SessionTest, AnAnswerOfAnOlderEpochIsNotActedOnButRetried) {
  server_.SetEpoch(2);
  const auto session = Open();
  EXPECT_EQ(session->epoch(), 2u);
  server_.AnswerAsOfEpoch(1, 2);
  const auto response = session->Act(kObservation, Options());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->epoch(), 2u);
  EXPECT_EQ(session->stale_answers(), 2);
  EXPECT_EQ(session->next_decision(), 1u);
}

TEST_P(SessionTest, ANewerEpochIsTakenOverAndReported) {
  server_.SetEpoch(2);
  const auto session = Open();
  server_.SetEpoch(5);
  ASSERT_TRUE(session->Act(kObservation, Options()).ok());
  EXPECT_EQ(session->epoch(), 5u);
  EXPECT_EQ(server_.last_act().epoch(), 2u);
  ASSERT_TRUE(session->Act(kObservation, Options()).ok());
  EXPECT_EQ(server_.last_act().epoch(), 5u);
}

// The server decided, but its answers to the call and to a retry were lost.
class LostAnswerTest : public SessionTest {};
INSTANTIATE_TEST_SUITE_P(Calls, LostAnswerTest, ::testing::Values(false));

TEST_P(LostAnswerTest, TheRetryGetsTheSameAnswer) {
  const auto session = Open();
  server_.LoseNextAnswers(2);
  const auto response = session->Act(kObservation);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision_index(), 0u);
  EXPECT_EQ(session->next_decision(), 1u);
}

TEST_P(LostAnswerTest, TheSameObservationGetsTheAnswerLater) {
  const auto session = Open();
  server_.LoseNextAnswers(4);  // All attempts.
  EXPECT_EQ(session->Act(kObservation).status().code(),
            absl::StatusCode::kUnavailable);
  const auto response = session->Act(kObservation);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision_index(), 0u);
}

TEST_P(LostAnswerTest, ANewerObservationGetsTheNextDecision) {
  const auto session = Open();
  server_.LoseNextAnswers(4);
  EXPECT_FALSE(session->Act(kObservation).ok());
  const auto response = session->Act(kNewer);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->decision_index(), 1u);
  EXPECT_FLOAT_EQ(response->action(0), 0.1f * 3 * 0.2f + 0.05f);
  EXPECT_EQ(session->next_decision(), 2u);
}

}  // namespace
}  // namespace foresight

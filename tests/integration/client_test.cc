// Runs the client library against the real server.
#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"
#include "tests/integration/served_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

const std::vector<float> kObservation(3, 0.25f);
const std::vector<float> kNewer(3, 0.5f);
const std::vector<float> kShort(2, 1.0f);

class ClientTest : public ServedTest {
 protected:
  void Connect(const std::string& engine = "fake") {
    StartServer(engine);
    auto client = AdaptationClient::Connect(server_->address());
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<AdaptationClient>(*std::move(client));
  }

  std::unique_ptr<RemoteSession> OpenSeeded(uint64_t seed, uint32_t steps = 1) {
    SessionOptions options;
    options.seed = seed;
    options.settings.set_steps(steps);
    auto session = client_->OpenSession(options);
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? std::make_unique<RemoteSession>(*std::move(session))
                        : nullptr;
  }

  // The actions of `decisions` decisions, over `stream` unless it is null.
  std::vector<float> Actions(uint64_t seed, int decisions,
                             ControlStream* stream) {
    const auto session = OpenSeeded(seed);
    ActOptions options;
    options.stream = stream;
    std::vector<float> actions;
    for (int i = 0; i < decisions; ++i) {
      const std::vector<float> observation(3, 0.1f * static_cast<float>(i));
      const auto decision = session->Act(observation, options);
      EXPECT_TRUE(decision.ok()) << decision.status();
      actions.insert(actions.end(), decision->action().begin(),
                     decision->action().end());
    }
    return actions;
  }

  std::unique_ptr<AdaptationClient> client_;
};

TEST_F(ClientTest, StreamsOfManySessionsDecideAsCallsDo) {
  Connect("fused");
  const auto stream = client_->OpenControlStream();
  std::vector<std::vector<float>> streamed(4);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back(
        [&, i] { streamed[i] = Actions(i, 20, stream.get()); });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(streamed[i], Actions(i, 20, nullptr)) << i;
    EXPECT_EQ(streamed[i].size(), 20u * kActionSize);
  }
  EXPECT_NE(streamed[0], streamed[1]);
}

TEST_F(ClientTest, RefusalsCarryTheirReasons) {
  options_.sessions.max_sessions = 1;
  Connect();
  EXPECT_EQ(ErrorReason(client_->GetModel("x").status()), v1::MODEL_UNKNOWN);

  SessionOptions options;
  options.settings.set_horizon(1000);
  const auto wrong = client_->OpenSession(options);
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(wrong.status()), v1::SETTINGS_INVALID);
  EXPECT_THAT(std::string(wrong.status().message()), HasSubstr("horizon"));

  const auto session = OpenSeeded(1);
  const auto full = client_->OpenSession({}, {absl::Milliseconds(50)});
  EXPECT_EQ(ErrorReason(full.status()), v1::SESSIONS_FULL);
  EXPECT_GT(RetryAfter(full.status()), absl::ZeroDuration());

  const auto shorter = session->Act(kShort);
  EXPECT_EQ(ErrorReason(shorter.status()), v1::OBSERVATION_INVALID);
  EXPECT_EQ(session->next_decision(), 0u);
  EXPECT_TRUE(session->Act(kObservation).ok());
}

TEST_F(ClientTest, ARefusalOnAStreamReadsAsOneOfACall) {
  Connect();
  const auto session = OpenSeeded(1);
  const auto stream = client_->OpenControlStream();
  ActOptions options;
  options.stream = stream.get();
  const absl::Status by_stream = session->Act(kShort, options).status();
  const absl::Status by_call = session->Act(kShort).status();
  EXPECT_EQ(by_stream, by_call);  // Payloads included.
  EXPECT_TRUE(session->Act(kObservation, options).ok());
}

TEST_F(ClientTest, ACancelledDecisionLeavesTheSessionUsable) {
  Connect();
  const auto session = OpenSeeded(1);
  engine_->Hold();
  Cancellation cancellation;
  ActOptions options;
  options.call.cancellation = &cancellation;
  absl::Status status;
  std::thread caller(
      [&] { status = session->Act(kObservation, options).status(); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  cancellation.Cancel();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  ASSERT_TRUE(engine_->AwaitRunning(0));  // The server has been told.
  engine_->Release();
  const auto decision = session->Act(kNewer);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->decision_index(), 0u);
  EXPECT_FLOAT_EQ(decision->action(0), FakeEngine::Action(0.5f, 1, 1, 0));
}

// The server still makes a decision that was given up on a stream.
TEST_F(ClientTest, AfterADecisionGivenUpOnAStreamANewerOneIsMade) {
  Connect();
  const auto session = OpenSeeded(1);
  const auto stream = client_->OpenControlStream();
  engine_->Hold();
  Cancellation cancellation;
  ActOptions options;
  options.stream = stream.get();
  options.call.cancellation = &cancellation;
  std::thread caller([&] {
    EXPECT_EQ(session->Act(kObservation, options).status().code(),
              absl::StatusCode::kCancelled);
  });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  cancellation.Cancel();
  caller.join();
  engine_->Release();
  // Uses a call, since the stream cannot carry the same index with another
  // observation until the first is answered.
  const auto decision = session->Act(kNewer);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->decision_index(), 1u);
  EXPECT_FLOAT_EQ(decision->action(0), FakeEngine::Action(0.5f, 2, 1, 1));
  EXPECT_EQ(session->next_decision(), 2u);
}

TEST_F(ClientTest, ABudgetCutsTheStepsAndAnswers) {
  Connect();
  const auto session = OpenSeeded(1, /*steps=*/5);
  engine_->Hold();
  engine_->Release(2);
  ActOptions options;
  options.budget = absl::Milliseconds(500);
  const auto decision = session->Act(kObservation, options);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_EQ(decision->report().outcome(), v1::TRUNCATED);
  EXPECT_EQ(decision->report().steps_done(), 2u);
}

TEST_F(ClientTest, AServerThatShutsDownBreaksStreamsAndSaysSo) {
  Connect();
  const auto session = OpenSeeded(1);
  const auto stream = client_->OpenControlStream();
  ActOptions options;
  options.stream = stream.get();
  EXPECT_TRUE(session->Act(kObservation, options).ok());
  server_->Shutdown();
  const auto decision = session->Act(kObservation, options);
  EXPECT_FALSE(decision.ok());
}

TEST_F(ClientTest, ResetAndCloseTakeEffectOnTheServer) {
  Connect();
  const auto session = OpenSeeded(1);
  EXPECT_TRUE(session->Act(kObservation).ok());
  ResetOptions reset;
  reset.seed = 3;
  EXPECT_TRUE(session->Reset(reset).ok());
  EXPECT_EQ(session->description().seed(), 3u);
  const auto decision = session->Act(kObservation);
  ASSERT_TRUE(decision.ok()) << decision.status();
  EXPECT_FLOAT_EQ(decision->action(0), FakeEngine::Action(0.25f, 1, 3, 0));
  EXPECT_TRUE(session->Close().ok());
  EXPECT_EQ(ErrorReason(session->Act(kObservation).status()),
            v1::SESSION_UNKNOWN);
  EXPECT_TRUE(AwaitMetric("foresight_sessions", 0));
}

}  // namespace
}  // namespace foresight

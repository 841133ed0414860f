// Sessions from a client's view: defaults, retries, limits, expiry.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/integration/served_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

using SessionsTest = ServedTest;

TEST_F(SessionsTest, ModelsAreListedWithTheirDescriptions) {
  AddModel("another");
  StartServer();
  v1::ListModelsResponse list;
  ASSERT_TRUE(stub_->ListModels(Patient().get(), {}, &list).ok());
  ASSERT_EQ(list.models_size(), 2);
  EXPECT_EQ(list.models(0).name(), "another");
  const v1::Model& model = list.models(1);
  EXPECT_EQ(model.name(), "random");
  EXPECT_EQ(model.weights_sha256().size(), 64u);
  EXPECT_EQ(model.observation_size(), 3u);
  EXPECT_EQ(model.action_size(), 2u);
  EXPECT_EQ(model.dynamics(), "diffusion");
  EXPECT_EQ(model.sampler_steps(), 3u);
  EXPECT_EQ(model.defaults().horizon(), 5u);
  EXPECT_EQ(model.engine(), "fake");
  EXPECT_EQ(model.device(), "cpu");
  v1::GetModelRequest request;
  request.set_name("random");
  v1::Model same;
  ASSERT_TRUE(stub_->GetModel(Patient().get(), request, &same).ok());
  EXPECT_EQ(same.SerializeAsString(), model.SerializeAsString());
}

TEST_F(SessionsTest, AnOpenedSessionIsDescribedInFull) {
  StartServer();
  v1::Session session;
  v1::OpenSessionRequest request;
  request.mutable_settings()->set_horizon(7);
  ASSERT_TRUE(Open(request, &session).ok());
  EXPECT_EQ(session.session_id().size(), 32u);
  EXPECT_EQ(session.model().name(), "random");
  EXPECT_EQ(session.next_decision(), 0u);
  EXPECT_EQ(session.idle_timeout().seconds(), 60);
  EXPECT_EQ(session.settings().horizon(), 7u);
  const auto* fields = v1::AdaptationSettings::descriptor();
  const auto* reflection = session.settings().GetReflection();
  for (int i = 0; i < fields->field_count(); ++i) {
    const auto* field = fields->field(i);
    EXPECT_TRUE(field->name() == "mode" ||
                reflection->HasField(session.settings(), field))
        << field->name();
  }
  EXPECT_NE(session.settings().mode(), v1::MODE_UNSPECIFIED);
  // The server chose these, so they differ from another session's.
  v1::Session other;
  ASSERT_TRUE(Open(request, &other).ok());
  EXPECT_NE(other.session_id(), session.session_id());
  EXPECT_NE(other.seed(), session.seed());
}

TEST_F(SessionsTest, WithSeveralModelsOneMustBeNamed) {
  AddModel("another");
  StartServer();
  v1::OpenSessionRequest request;
  const SeenError seen = Seen(Open(request));
  EXPECT_EQ(seen.reason, "MODEL_UNKNOWN");
  EXPECT_EQ(seen.message,
            "no model is named, expected one of \"another\", \"random\"");
  request.set_model("another");
  EXPECT_TRUE(Open(request).ok());
}

TEST_F(SessionsTest, ARetryGetsTheSameAnswerToTheByte) {
  StartServer();
  Open("a");
  v1::ActResponse first, again;
  const int before = engine_->steps();
  ASSERT_TRUE(Act(Request("a", 0.5f, 0), &first).ok());
  ASSERT_TRUE(Act(Request("a", 0.5f, 0), &again).ok());
  EXPECT_EQ(first.SerializeAsString(), again.SerializeAsString());
  EXPECT_EQ(engine_->steps(), before + 1);
}

TEST_F(SessionsTest, ARetryOverAnotherConnectionWaitsForTheFirst) {
  StartServer();
  Open("a");
  engine_->Hold();
  const auto act = [this] {
    auto channel = grpc::CreateCustomChannel(
        server_->address(), grpc::InsecureChannelCredentials(), [] {
          grpc::ChannelArguments arguments;
          arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
          return arguments;
        }());
    v1::ActResponse response;
    EXPECT_TRUE(v1::Adaptation::NewStub(channel)
                    ->Act(Patient().get(), Request("a", 0.5f, 0), &response)
                    .ok());
    return response.SerializeAsString();
  };
  auto first = std::async(std::launch::async, act);
  ASSERT_TRUE(engine_->AwaitRunning(1));
  auto again = std::async(std::launch::async, act);
  ASSERT_TRUE(AwaitMetric("foresight_decisions_in_flight", 2));
  // Meanwhile another decision is refused.
  const SeenError other = Seen(Act(Request("a", 0.7f)));
  EXPECT_EQ(other.code, grpc::StatusCode::ABORTED);
  EXPECT_EQ(other.reason, "DECISION_IN_FLIGHT");
  EXPECT_EQ(Seen(Reset("a")).reason, "DECISION_IN_FLIGHT");
  engine_->Release();
  EXPECT_EQ(first.get(), again.get());
}

TEST_F(SessionsTest, AResetSessionStartsOver) {
  StartServer();
  Open("a");
  const auto first = MustAct(Request("a", 0.5f));
  EXPECT_NE(MustAct(Request("a", 0.5f)), first);  // It has adapted.
  v1::Session session;
  ASSERT_TRUE(Reset("a", &session).ok());
  EXPECT_EQ(session.session_id(), "a");
  EXPECT_EQ(session.seed(), 7u);
  EXPECT_EQ(session.next_decision(), 0u);
  EXPECT_EQ(MustAct(Request("a", 0.5f, 0)), first);
  v1::ResetSessionRequest request;
  request.set_session_id("a");
  request.set_seed(8);
  ASSERT_TRUE(stub_->ResetSession(Patient().get(), request, &session).ok());
  EXPECT_EQ(session.seed(), 8u);
  EXPECT_NE(MustAct(Request("a", 0.5f, 0)), first);
}

TEST_F(SessionsTest, AFullServerRefusesNewSessionsAndSaysWhenToTryAgain) {
  options_.sessions.max_sessions = 2;
  StartServer();
  Open("a");
  Open("b");
  const SeenError full = Seen(Open(v1::OpenSessionRequest()));
  EXPECT_EQ(full.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(full.reason, "SESSIONS_FULL");
  EXPECT_EQ(full.message, "2 sessions are open, expected fewer than 2");
  EXPECT_GT(full.retry_after, absl::ZeroDuration());
  MustAct(Request("a", 0.5f));
  ASSERT_TRUE(Close("b").ok());
  EXPECT_TRUE(Open(v1::OpenSessionRequest()).ok());
}

TEST_F(SessionsTest, AnIdleSessionIsFreedWithItsMemory) {
  options_.operations.idle_timeout = absl::Milliseconds(100);
  StartServer();
  for (const char* id : {"a", "b", "c"}) {
    Open(id);
    MustAct(Request(id, 0.5f));
  }
  v1::OpenSessionRequest request;
  request.set_session_id("long");
  request.mutable_idle_timeout()->set_seconds(3600);
  ASSERT_TRUE(Open(request).ok());
  ASSERT_TRUE(AwaitMetric("foresight_sessions_expired_total", 3));
  EXPECT_TRUE(AwaitMetric("foresight_sessions", 1));
  EXPECT_EQ(engine_->alive(), 1);
  EXPECT_EQ(Seen(Act(Request("a", 0.5f))).reason, "SESSION_UNKNOWN");
  MustAct(Request("long", 0.5f));
}

TEST_F(SessionsTest, AClosedSessionIsFreedAtOnce) {
  StartServer();
  Open("a");
  MustAct(Request("a", 0.5f));
  EXPECT_EQ(engine_->alive(), 1);
  ASSERT_TRUE(Close("a").ok());
  EXPECT_EQ(engine_->alive(), 0);
  EXPECT_EQ(Seen(Close("a")).reason, "SESSION_UNKNOWN");
}

TEST_F(SessionsTest, ADeadlineGetsTheBestActionInTime) {
  // The margin is cut to a tenth of the deadline, 0.2 s, in which even a busy
  // machine can return the answer.
  options_.decisions.answer_margin = absl::Seconds(1);
  StartServer();
  Open("a", /*steps=*/1000);
  engine_->Hold();
  engine_->Release(3);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(2000));
  v1::ActResponse response;
  const grpc::Status status =
      stub_->Act(&context, Request("a", 0.5f), &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.report().outcome(), v1::TRUNCATED);
  EXPECT_EQ(response.report().steps_done(), 3u);
}

TEST_F(SessionsTest, RequestsAreCountedByMethodAndCode) {
  StartServer();
  Open("a");
  MustAct(Request("a", 0.5f));
  (void)Act(Request("nobody", 0.5f));
  EXPECT_TRUE(AwaitMetric(
      "foresight_requests_total{code=\"OK\",method=\"OpenSession\"}", 1));
  EXPECT_TRUE(
      AwaitMetric("foresight_requests_total{code=\"OK\",method=\"Act\"}", 1));
  EXPECT_TRUE(AwaitMetric(
      "foresight_requests_total{code=\"NOT_FOUND\",method=\"Act\"}", 1));
  EXPECT_TRUE(AwaitMetric("foresight_decisions_total{outcome=\"ADAPTED\"}", 1));
  EXPECT_TRUE(AwaitMetric("foresight_decision_seconds_count", 1));
}

}  // namespace
}  // namespace foresight

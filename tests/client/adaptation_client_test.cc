#include "foresight/adaptation_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "client/fake_adaptation_server.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

AdaptationClient::Options QuickOptions() {
  AdaptationClient::Options options;
  options.retry.initial_backoff = absl::Milliseconds(1);
  return options;
}

class AdaptationClientTest : public ::testing::Test {
 protected:
  AdaptationClientTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah"),
                 FakeAdaptationServer::HalfCheetahModel("other")}) {}

  AdaptationClient Client(
      const AdaptationClient::Options& options = QuickOptions()) {
    auto client = AdaptationClient::Connect(server_.address(), options);
    EXPECT_TRUE(client.ok()) << client.status();
    return *std::move(client);
  }

  FakeAdaptationServer server_;
};

v1::ActRequest Stateless() {
  v1::ActRequest request;
  request.set_model("cheetah");
  request.mutable_settings()->set_steps(1);
  for (int i = 0; i < 17; ++i) request.add_observation(0.1f);
  return request;
}

TEST_F(AdaptationClientTest, AMissingServerIsReportedWithinTheTimeout) {
  server_.Stop();
  AdaptationClient::Options options;
  options.connect_timeout = absl::Milliseconds(50);
  const auto client = AdaptationClient::Connect(server_.address(), options);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(client.status().message()),
              HasSubstr("no server answered at " + server_.address() +
                        " within 50ms; is foresight-server running there"));
}

TEST_F(AdaptationClientTest, WrongOptionsAreRefused) {
  const auto connect = [&](AdaptationClient::Options options) {
    return AdaptationClient::Connect(server_.address(), options).status();
  };
  AdaptationClient::Options options;
  options.retry.max_attempts = 0;
  EXPECT_EQ(connect(options).message(), "max_attempts is 0, expected >= 1");
  options = {};
  options.call_timeout = absl::ZeroDuration();
  EXPECT_EQ(connect(options).code(), absl::StatusCode::kInvalidArgument);
  options = {};
  options.max_reconnect = absl::Milliseconds(10);
  EXPECT_EQ(connect(options).message(),
            "initial_reconnect is 50ms and max_reconnect is 10ms; expected 0 < "
            "initial_reconnect <= max_reconnect");
  EXPECT_EQ(AdaptationClient::Connect("").status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(AdaptationClientTest, ModelsAreListedAndFound) {
  const AdaptationClient client = Client();
  const auto models = client.ListModels();
  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_EQ(models->size(), 2u);
  EXPECT_EQ((*models)[1].name(), "other");
  const auto model = client.GetModel("cheetah");
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(model->observation_size(), 17u);
}

TEST_F(AdaptationClientTest, ErrorsCarryCodeReasonAndMessage) {
  const auto model = Client().GetModel("chetah");
  EXPECT_EQ(model.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ErrorReason(model.status()), v1::MODEL_UNKNOWN);
  EXPECT_EQ(model.status().message(), "no model \"chetah\"");
}

TEST_F(AdaptationClientTest, StatelessDecisionsNeedNoSession) {
  const auto response = Client().Act(Stateless());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->action_size(), 6);
  EXPECT_FLOAT_EQ(response->action(0), 0.02f);
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(AdaptationClientTest, HarmlessCallsSurviveAPassingFailure) {
  const AdaptationClient client = Client();
  server_.FailNext(2,
                   grpc::Status(grpc::StatusCode::UNAVAILABLE, "starting up"));
  EXPECT_TRUE(client.ListModels().ok());
  EXPECT_EQ(server_.calls(), 3);

  server_.FailNext(1,
                   DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "full",
                                  "SESSIONS_FULL", absl::Milliseconds(1)));
  EXPECT_TRUE(client.OpenSession().status().code() ==
              absl::StatusCode::kNotFound);  // Two models: which one?
  EXPECT_EQ(server_.calls(), 5);
}

TEST_F(AdaptationClientTest, OpeningUnderAChosenNameIsTriedOnce) {
  server_.FailNext(1, grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  SessionOptions options;
  options.model = "cheetah";
  options.session_id = "mine";
  const AdaptationClient client = Client();
  // If it had been opened, a retry would give SESSION_EXISTS.
  EXPECT_EQ(client.OpenSession(options).status(),
            absl::UnavailableError("gone"));
  EXPECT_EQ(server_.calls(), 1);
  const auto session = client.OpenSession(options);
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->id(), "mine");
}

TEST_F(AdaptationClientTest, ARestartedServerIsFoundAgain) {
  AdaptationClient::Options options;
  options.retry = {60, absl::Milliseconds(50), absl::Milliseconds(200)};
  const AdaptationClient client = Client(options);
  EXPECT_TRUE(client.ListModels().ok());
  server_.Stop();
  EXPECT_FALSE(client.ListModels({absl::Milliseconds(100)}).ok());
  server_.Restart();
  EXPECT_TRUE(client.ListModels().ok());
}

TEST_F(AdaptationClientTest, SlowServersMeetTheDeadline) {
  server_.Stall();
  const AdaptationClient client = Client();
  const auto response = client.Act(Stateless(), {absl::Milliseconds(20)});
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(AdaptationClientTest, TheConnectionsDeadlineIsTheDefault) {
  server_.Stall();
  AdaptationClient::Options options = QuickOptions();
  options.call_timeout = absl::Milliseconds(20);
  EXPECT_EQ(Client(options).Act(Stateless()).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(AdaptationClientTest, CancellationEndsAWaitingCall) {
  server_.Stall();
  Cancellation cancellation;
  const AdaptationClient client = Client();
  absl::Status status;
  std::thread caller([&] {
    status = client.Act(Stateless(), {std::nullopt, &cancellation}).status();
  });
  server_.AwaitStalled(1);
  cancellation.Cancel();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  server_.AwaitCancelled(1);
  // Later calls do not even start.
  const int calls = server_.calls();
  EXPECT_EQ(
      client.Act(Stateless(), {std::nullopt, &cancellation}).status().code(),
      absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.calls(), calls);
}

}  // namespace
}  // namespace foresight

// The end of a server, as calls and health checks see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "server/engine_factory.h"
#include "tests/integration/health.grpc.pb.h"
#include "tests/integration/served_test.h"

namespace foresight {
namespace {

namespace health = grpc::health::v1;
using ::testing::HasSubstr;

class ShutdownTest : public ServedTest {
 protected:
  std::future<void> ShutDown() {
    return std::async(std::launch::async, [this] { server_->Shutdown(); });
  }
};

TEST_F(ShutdownTest, HealthIsWatchedFromServingToNotServing) {
  options_.shutdown_notice = absl::Milliseconds(200);
  StartServer();
  const auto stub = health::Health::NewStub(channel_);
  for (const char* service : {"", "foresight.v1.Adaptation"}) {
    health::HealthCheckRequest request;
    request.set_service(service);
    health::HealthCheckResponse response;
    ASSERT_TRUE(stub->Check(Patient().get(), request, &response).ok());
    EXPECT_EQ(response.status(), health::HealthCheckResponse::SERVING);
  }
  health::HealthCheckRequest request;
  request.set_service("foresight.v1.Adaptation");
  const auto context = Patient();
  const auto watch = stub->Watch(context.get(), request);
  health::HealthCheckResponse seen;
  ASSERT_TRUE(watch->Read(&seen));
  EXPECT_EQ(seen.status(), health::HealthCheckResponse::SERVING);
  Open("a");
  auto shutdown = ShutDown();
  ASSERT_TRUE(watch->Read(&seen));
  EXPECT_EQ(seen.status(), health::HealthCheckResponse::NOT_SERVING);
  context->TryCancel();
  shutdown.get();
}

TEST_F(ShutdownTest, AnUnknownServiceIsNotHealthy) {
  StartServer();
  health::HealthCheckRequest request;
  request.set_service("nothing");
  health::HealthCheckResponse response;
  EXPECT_EQ(health::Health::NewStub(channel_)
                ->Check(Patient().get(), request, &response)
                .error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(ShutdownTest, AcceptedCallsAreAnsweredAndNewOnesRefused) {
  StartServer();
  for (const char* id : {"unary", "streamed", "queued"}) Open(id);
  engine_->Hold();
  const auto context = Patient();
  const auto stream = stub_->Control(context.get());
  ASSERT_TRUE(stream->Write(Request("streamed", 0.5f)));
  ASSERT_TRUE(engine_->AwaitRunning(1));
  auto unary = std::async(std::launch::async,
                          [this] { return MustAct(Request("unary", 0.5f)); });
  ASSERT_TRUE(engine_->AwaitRunning(2));
  ASSERT_TRUE(stream->Write(Request("queued", 0.5f)));
  ASSERT_TRUE(AwaitMetric("foresight_decisions_in_flight", 3));

  auto shutdown = ShutDown();
  // Once the shutdown has begun, new decisions and sessions are refused.
  SeenError refused;
  do {
    refused = Seen(Act(Request("nobody", 0.5f)));
  } while (refused.reason == "SESSION_UNKNOWN");
  EXPECT_EQ(refused.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(refused.reason, "DRAINING");
  EXPECT_EQ(Seen(Open(v1::OpenSessionRequest())).reason, "DRAINING");

  engine_->Release();
  EXPECT_EQ(unary.get()[0], FakeEngine::Action(0.5f, 1, 7, 0));
  for (int i = 0; i < 2; ++i) {
    v1::ControlResponse answer;
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_TRUE(answer.has_response()) << answer.error().message();
  }
  v1::ControlResponse none;
  EXPECT_FALSE(stream->Read(&none));
  const SeenError end = Seen(stream->Finish());
  EXPECT_EQ(end.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(end.reason, "DRAINING");
  shutdown.get();
}

TEST_F(ShutdownTest, AnIdleStreamDoesNotHoldTheServerUp) {
  StartServer();
  const auto context = Patient();
  const auto stream = stub_->Control(context.get());
  ASSERT_TRUE(AwaitMetric("foresight_control_streams", 1));
  server_->Shutdown();
  v1::ControlResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_EQ(Seen(stream->Finish()).reason, "DRAINING");
}

TEST_F(ShutdownTest, SessionsAreFreedWithTheServer) {
  StartServer();
  Open("a");
  EXPECT_EQ(engine_->alive(), 1);
  server_.reset();
  EXPECT_EQ(engine_->alive(), 0);
}

TEST_F(ShutdownTest, ATakenPortIsRefused) {
  StartServer();
  ServerOptions options = options_;
  options.listen = server_->address();
  const auto second =
      Server::Start(options, "test", [this](auto) { return engine_; });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("cannot listen on " + server_->address()));
}

TEST_F(ShutdownTest, TwoBundlesOfOneNameAreRefused) {
  options_.models.push_back(options_.models[0]);
  const auto server =
      Server::Start(options_, "test", [this](auto) { return engine_; });
  EXPECT_EQ(server.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("\"random\""));
}

}  // namespace
}  // namespace foresight

#include "client/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "client/fake_adaptation_server.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using Repeat = Connection::Repeat;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    options_.retry.initial_backoff = absl::Milliseconds(1);
  }

  std::shared_ptr<const Connection> Open() {
    auto connection = Connection::Open(server_.address(), options_);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return connection.ok() ? *std::move(connection) : nullptr;
  }

  static absl::StatusOr<v1::ListModelsResponse> List(
      const Connection& connection, Repeat repeat,
      const CallOptions& call = {}) {
    return connection.Call(&v1::Adaptation::StubInterface::ListModels,
                           v1::ListModelsRequest(), call, repeat);
  }

  FakeAdaptationServer server_;
  Connection::Options options_;
};

TEST_F(ConnectionTest, OptionsOutOfTheirRangesAreRefused) {
  const auto refusal = [this](const std::string& address) {
    const auto connection = Connection::Open(address, options_);
    EXPECT_EQ(connection.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(connection.status().message());
  };
  EXPECT_THAT(refusal(""), HasSubstr("address is empty"));
  options_.call_timeout = absl::ZeroDuration();
  EXPECT_THAT(refusal("127.0.0.1:1"), HasSubstr("timeouts must be positive"));
  options_ = {};
  options_.max_reconnect = absl::Milliseconds(1);
  EXPECT_THAT(refusal("127.0.0.1:1"), HasSubstr("max_reconnect is 1ms"));
  options_ = {};
  options_.retry.max_attempts = 0;
  EXPECT_THAT(refusal("127.0.0.1:1"), HasSubstr("max_attempts is 0"));
}

TEST_F(ConnectionTest, AHarmlessCallIsRepeatedAndAHarmfulOneIsNot) {
  const auto connection = Open();
  ASSERT_NE(connection, nullptr);
  const grpc::Status gone(grpc::StatusCode::UNAVAILABLE, "gone");
  server_.FailNext(1, gone);
  EXPECT_TRUE(List(*connection, Repeat::kHarmless).ok());
  EXPECT_EQ(server_.calls(), 2);
  server_.FailNext(1, gone);
  EXPECT_EQ(List(*connection, Repeat::kHarmful).status(),
            absl::UnavailableError("gone"));
  EXPECT_EQ(server_.calls(), 3);
}

TEST_F(ConnectionTest, ACallWithoutATimeoutHasTheConnections) {
  options_.call_timeout = absl::Milliseconds(20);
  const auto connection = Open();
  ASSERT_NE(connection, nullptr);
  server_.Stall();
  v1::ActRequest request;
  request.add_observation(0);
  const auto response = connection->Call(&v1::Adaptation::StubInterface::Act,
                                         request, {}, Repeat::kHarmful);
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ErrorReason(response.status()), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(ConnectionTest, ACancelledCallIsNotMade) {
  const auto connection = Open();
  ASSERT_NE(connection, nullptr);
  Cancellation cancellation;
  cancellation.Cancel();
  const auto response =
      List(*connection, Repeat::kHarmless, {std::nullopt, &cancellation});
  EXPECT_EQ(response.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.calls(), 0);
}

TEST_F(ConnectionTest, IsNoLongerReadyWhenTheServerIsGone) {
  const auto connection = Open();
  ASSERT_NE(connection, nullptr);
  EXPECT_TRUE(connection->ready());
  EXPECT_FALSE(connection->failing());
  server_.Stop();
  EXPECT_EQ(List(*connection, Repeat::kHarmful).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_FALSE(connection->ready());
}

}  // namespace
}  // namespace foresight

#include "client/load/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "client/fake_adaptation_server.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class LoadSessionsTest : public ::testing::Test {
 protected:
  LoadSessionsTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    AdaptationClient::Options options;
    options.retry.max_attempts = 1;
    auto client = AdaptationClient::Connect(server_.address(), options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_.emplace(*std::move(client));
    options_.seed = 100;
    options_.settings.set_horizon(3);
  }

  FakeAdaptationServer server_;
  std::optional<AdaptationClient> client_;
  SessionOptions options_;
  Cancellation cancellation_;
};

TEST_F(LoadSessionsTest, EachHasItsSeedAndAllAreClosedInTheEnd) {
  {
    const auto sessions =
        LoadSessions::Open(*client_, options_, 40, cancellation_);
    ASSERT_TRUE(sessions.ok()) << sessions.status();
    EXPECT_EQ(server_.open_sessions(), 40);
    EXPECT_EQ(sessions->settings().horizon(), 3u);
    const std::vector<std::string> ids = sessions->ids();
    EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), 40u);
    std::set<uint64_t> seeds;
    for (const auto& request : server_.open_requests()) {
      seeds.insert(request.seed());
    }
    EXPECT_EQ(seeds.size(), 40u);
    EXPECT_EQ(*seeds.begin(), 100u);
    EXPECT_EQ(*seeds.rbegin(), 139u);
  }
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(LoadSessionsTest, ARefusalSaysHowManyWereOpenedAndKeepsItsReason) {
  server_.FailNext(
      1, DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "no more",
                        "SESSIONS_FULL", absl::Seconds(1)));
  const auto sessions =
      LoadSessions::Open(*client_, options_, 1, cancellation_);
  EXPECT_EQ(ErrorReason(sessions.status()), v1::SESSIONS_FULL);
  EXPECT_EQ(sessions.status().message(),
            "the server refused a session after opening 0 of 1: no more "
            "[SESSIONS_FULL]");
}

TEST_F(LoadSessionsTest, OnceCancelledNoSessionIsOpened) {
  cancellation_.Cancel();
  const auto sessions =
      LoadSessions::Open(*client_, options_, 5, cancellation_);
  EXPECT_EQ(sessions.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.opened_sessions(), 0);
}

}  // namespace
}  // namespace foresight

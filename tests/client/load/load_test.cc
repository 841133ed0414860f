// Runs loads with their transports and sessions against a server in this
// process.
#include "client/load/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "client/fake_adaptation_server.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Pair;

class LoadTest : public ::testing::TestWithParam<bool> {
 protected:
  LoadTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}),
        model_(FakeAdaptationServer::HalfCheetahModel("cheetah")) {
    AdaptationClient::Options client_options;
    client_options.retry.max_attempts = 1;
    auto client = AdaptationClient::Connect(server_.address(), client_options);
    EXPECT_TRUE(client.ok()) << client.status();
    client_.emplace(*std::move(client));
    auto stubs = OpenStubs(server_.address(), 2, absl::Seconds(10));
    EXPECT_TRUE(stubs.ok()) << stubs.status();
    stubs_ = *std::move(stubs);
    options_.stream = GetParam();
    options_.rate_hz = 100;
    options_.deadline = absl::Seconds(10);
    options_.warm_up = absl::ZeroDuration();
    options_.duration = absl::Milliseconds(300);
    options_.sessions_per_stream = 2;
    options_.quiet = true;
  }

  absl::StatusOr<LoadResult> Run(int sessions) {
    const LoadTarget target = {options_, *client_, stubs_, model_,
                               observations_};
    return RunLoad(target, sessions, cancellation_);
  }

  FakeAdaptationServer server_;
  v1::Model model_;
  Observations observations_ = NormalObservations(17, 10, 1, "a test");
  std::optional<AdaptationClient> client_;
  Stubs stubs_;
  LoadOptions options_;
  Cancellation cancellation_;
};

INSTANTIATE_TEST_SUITE_P(Transports, LoadTest, ::testing::Bool(),
                         [](const auto& test) {
                           return test.param ? "Stream" : "Unary";
                         });

TEST_P(LoadTest, EveryTickIsAccountedFor) {
  options_.settings.set_steps(3);
  options_.seed = 40;
  const auto result = Run(5);
  ASSERT_TRUE(result.ok()) << result.status();
  const LoadCounts& counts = result->counts;
  EXPECT_NEAR(counts.ticks(), 5 * 30, 5 * 2);
  EXPECT_EQ(counts.sent, counts.answered + counts.failed());
  EXPECT_EQ(counts.failed(), 0);
  EXPECT_EQ(counts.latencies.count(), counts.answered);
  EXPECT_EQ(result->send_lags.count(), counts.sent);
  EXPECT_THAT(counts.outcomes, ElementsAre(Pair(v1::ADAPTED, counts.answered)));
  for (const LoadCounts::Loop& loop : counts.loops) {
    EXPECT_GT(loop.answered, 0);
    EXPECT_EQ(loop.steps_done, 3 * loop.answered);
  }
  EXPECT_EQ(result->settings.steps(), 3u);
  EXPECT_GT(result->generator_cores, 0);
  EXPECT_EQ(server_.opened_sessions(), 5);
  EXPECT_EQ(server_.open_sessions(), 0);
  EXPECT_EQ(server_.last_act().observation_size(), 17);
}

TEST_P(LoadTest, AStalledServerMissesAllTicksAndNoSessionStays) {
  options_.deadline = absl::Milliseconds(20);
  server_.Stall();
  const auto result = Run(3);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->counts.missed_fraction(), 1);
  EXPECT_GT(result->counts.skipped, 0);
  EXPECT_EQ(result->counts.answered, 0);
  EXPECT_THAT(result->counts.errors,
              Contains(Key(GetParam() ? "NO_ANSWER" : "DEADLINE_EXCEEDED")));
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_P(LoadTest, RefusedDecisionsAreErrorsByTheirReason) {
  server_.Stall();
  for (int i = 0; i < 4; ++i) {
    server_.FailOneStalled(DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                          "busy", "OVERLOADED",
                                          absl::Milliseconds(1)));
  }
  std::thread releasing([this] {
    server_.AwaitStalled(5);
    server_.Release();
  });
  const auto result = Run(4);
  releasing.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_THAT(result->counts.errors, ElementsAre(Pair("OVERLOADED", 4)));
  EXPECT_GT(result->counts.answered, 0);
}

TEST_P(LoadTest, ARefusedSessionEndsItAndClosesTheOthers) {
  server_.FailNext(
      1, DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "no more",
                        "SESSIONS_FULL", absl::Seconds(1)));
  const auto result = Run(40);
  EXPECT_EQ(ErrorReason(result.status()), v1::SESSIONS_FULL);
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("of 40: no more [SESSIONS_FULL]"));
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_P(LoadTest, CancellingEndsItAndClosesItsSessions) {
  options_.duration = absl::Hours(1);
  server_.Stall();
  std::thread canceller([this] {
    server_.AwaitStalled(2);
    cancellation_.Cancel();
  });
  const auto result = Run(4);
  canceller.join();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_P(LoadTest, AServerThatStopsIsSeenAsErrors) {
  server_.Stall();
  std::thread stopper([this] {
    server_.AwaitStalled(2);
    server_.Stop();
  });
  const auto result = Run(4);
  stopper.join();
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_GT(result->counts.failed(), 0);
  EXPECT_EQ(result->counts.sent,
            result->counts.answered + result->counts.failed());
}

TEST_P(LoadTest, TheTimeLeftTravelsWithTheRequest) {
  options_.deadline = absl::Milliseconds(2500);
  ASSERT_TRUE(Run(1).ok());
  const v1::ActRequest request = server_.last_act();
  EXPECT_EQ(request.has_budget(), GetParam());
  if (!GetParam()) return;
  const double budget = static_cast<double>(request.budget().seconds()) +
                        1e-9 * static_cast<double>(request.budget().nanos());
  EXPECT_GT(budget, 0);
  EXPECT_LE(budget, 2.5);
}

}  // namespace
}  // namespace foresight

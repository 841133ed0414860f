// The wall clock jumps by an hour, as after the first NTP synchronisation or
// when a virtual machine is resumed. No guarantee depends on it.
//
// The test cannot inject a clock: it must show that no part of the server, gRPC
// and absl included, decides by the wall clock instead of the monotonic one. So
// the whole process's wall clock jumps.
#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "absl/time/clock.h"
#include "tests/integration/served_test.h"
#include "tests/support/wall_clock.h"

namespace foresight {
namespace {

class ClockJumpTest : public ServedTest,
                      public ::testing::WithParamInterface<int> {
 protected:
  ~ClockJumpTest() override { JumpWallClock(-jumped_); }

  void Jump() {
    JumpWallClock(absl::Hours(GetParam()));
    jumped_ += absl::Hours(GetParam());
  }

  absl::Duration jumped_;
};

TEST_P(ClockJumpTest, TheWallClockOfTheTestJumps) {
  const auto wall = std::chrono::system_clock::now();
  Jump();
  const absl::Duration off =
      absl::FromChrono(std::chrono::system_clock::now() - wall) -
      absl::Hours(GetParam());
  EXPECT_GE(off, absl::ZeroDuration());
  EXPECT_LT(off, absl::Minutes(1));
}

TEST_P(ClockJumpTest, NoSessionIsLost) {
  StartServer();
  for (const char* id : {"used", "unused"}) Open(id);
  MustAct(Request("used", 0.5f));
  Jump();
  // If sessions had expired, any call would notice, and Open would free them.
  Open("new");
  EXPECT_TRUE(AwaitMetric("foresight_sessions", 3));
  MustAct(Request("used", 0.5f, 1));
  MustAct(Request("unused", 0.5f, 0));
}

TEST_P(ClockJumpTest, ADecisionInFlightKeepsItsTime) {
  StartServer();
  Open("a", /*steps=*/3);
  engine_->Hold();
  v1::ActResponse response;
  auto act = std::async(std::launch::async, [&] {
    const auto context = Within(kPatience);
    return stub_->Act(context.get(), Request("a", 0.5f), &response);
  });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  engine_->Release(1);
  Jump();
  engine_->Release();
  const grpc::Status status = act.get();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.report().outcome(), v1::ADAPTED);
  EXPECT_EQ(response.report().steps_done(), 3u);
}

TEST_P(ClockJumpTest, ADeadlineEndsADecisionAsIfTheClockHadNotJumped) {
  StartServer();
  for (const char* id : {"call", "stream", "queued"}) Open(id, /*steps=*/3);
  engine_->Hold();
  const auto patient = Patient();
  const auto stream = stub_->Control(patient.get());
  for (const char* id : {"stream", "queued"}) {
    v1::ActRequest request = Request(id, 0.5f);
    request.mutable_budget()->set_seconds(2);
    ASSERT_TRUE(stream->Write(request));
  }
  v1::ActResponse response;
  auto act = std::async(std::launch::async, [&] {
    const auto context = Within(absl::Seconds(2));
    return stub_->Act(context.get(), Request("call", 0.5f), &response);
  });
  ASSERT_TRUE(engine_->AwaitRunning(2));
  ASSERT_TRUE(AwaitMetric("foresight_decisions_in_flight", 3));
  Jump();
  const grpc::Status status = act.get();
  // On a very busy machine the answer may not reach the client in time.
  if (status.error_code() != grpc::StatusCode::DEADLINE_EXCEEDED) {
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.report().outcome(), v1::FROZEN);
  }
  for (int i = 0; i < 2; ++i) {
    v1::ControlResponse answer;
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_EQ(answer.response().report().outcome(), v1::FROZEN);
  }
}

TEST_P(ClockJumpTest, IdleSessionsAreFreedAsBefore) {
  options_.operations.idle_timeout = absl::Milliseconds(500);
  StartServer();
  Open("a");
  Jump();
  EXPECT_TRUE(AwaitMetric("foresight_sessions_expired_total", 1));
  // The next jump comes when the server waits for nothing.
  Jump();
  Open("b");
  EXPECT_TRUE(AwaitMetric("foresight_sessions_expired_total", 2));
}

TEST_P(ClockJumpTest, TheServerEndsInOrder) {
  options_.drain_timeout = kPatience;
  StartServer();
  Open("a", /*steps=*/3);
  engine_->Hold();
  v1::ActResponse response;
  auto act = std::async(std::launch::async, [&] {
    return stub_->Act(Patient().get(), Request("a", 0.5f), &response);
  });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  auto shutdown =
      std::async(std::launch::async, [this] { server_->Shutdown(); });
  SeenError refused;
  do {
    refused = Seen(Act(Request("nobody", 0.5f)));
  } while (refused.reason == "SESSION_UNKNOWN");
  Jump();
  // Longer than a waiting server needs to notice the jump.
  absl::SleepFor(absl::Milliseconds(100));
  engine_->Release();
  EXPECT_TRUE(act.get().ok());
  EXPECT_EQ(response.report().outcome(), v1::ADAPTED);
  shutdown.get();
}

INSTANTIATE_TEST_SUITE_P(Hours, ClockJumpTest, ::testing::Values(1, -1),
                         [](const auto& hours) {
                           return std::string(hours.param > 0 ? "Forward"
                                                              : "Backward");
                         });

}  // namespace
}  // namespace foresight

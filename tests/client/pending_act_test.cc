#include "client/pending_act.h"

#include <gtest/gtest.h>

#include "client/fake_adaptation_server.h"
#include "foresight/adaptation_client.h"

namespace foresight {
namespace {

class PendingActTest : public ::testing::Test {
 protected:
  PendingActTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}),
        connection_(*Connection::Open(server_.address(), {})) {
    request_.set_model("cheetah");
    for (int i = 0; i < 17; ++i) request_.add_observation(0.1f);
  }

  FakeAdaptationServer server_;
  std::shared_ptr<const Connection> connection_;
  v1::ActRequest request_;  // Stateless.
};

TEST_F(PendingActTest, ACallIsAnsweredLater) {
  const auto pending =
      PendingAct::Call(connection_, request_, absl::Minutes(1));
  const auto answer = pending->Await(SteadyTime::max());
  ASSERT_TRUE(answer.has_value());
  ASSERT_TRUE(answer->ok()) << answer->status();
  EXPECT_FLOAT_EQ((*answer)->action(0), 0.1f * 0.1f);
}

TEST_F(PendingActTest, AStreamAnswersLater) {
  ReconnectingStream stream(connection_, {});
  request_.set_decision_index(0);
  const auto pending = PendingAct::Send(stream, request_);
  const auto answer = pending->Await(SteadyTime::max());
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->ok()) << answer->status();
}

TEST_F(PendingActTest, DestroyingItCancelsTheCall) {
  server_.Stall();
  auto pending = PendingAct::Call(connection_, request_, absl::Minutes(1));
  server_.AwaitStalled(1);
  EXPECT_FALSE(pending->Await(SteadyTime::min()).has_value());
  connection_.reset();  // The call now holds the last channel.
  pending.reset();
  server_.AwaitCancelled(1);
}

TEST_F(PendingActTest, ACallEndsAfterItsTimeout) {
  server_.Stall();
  const auto pending =
      PendingAct::Call(connection_, request_, absl::Milliseconds(1));
  const auto answer = pending->Await(SteadyTime::max());
  EXPECT_EQ(answer->status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace foresight

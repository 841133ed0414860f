// Tests what a ControlStream cannot show; control_stream_test.cc has the rest.
#include "client/control_reactor.h"

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "absl/synchronization/notification.h"
#include "client/fake_adaptation_server.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

class ControlReactorTest : public ::testing::Test {
 protected:
  ControlReactorTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}),
        stub_(v1::Adaptation::NewStub(grpc::CreateChannel(
            server_.address(), grpc::InsecureChannelCredentials()))),
        reactor_(std::make_unique<ControlReactor>(*stub_)) {
    v1::OpenSessionRequest opening;
    opening.set_session_id("a");
    grpc::ClientContext context;
    v1::Session session;
    EXPECT_TRUE(stub_->OpenSession(&context, opening, &session).ok());
  }
  ~ControlReactorTest() override {
    reactor_->Cancel();
    reactor_->AwaitDone();
  }

  static v1::ActRequest Request(float value) {
    v1::ActRequest request;
    request.set_session_id("a");
    request.set_decision_index(0);
    request.mutable_observation()->Resize(17, value);
    return request;
  }

  FakeAdaptationServer server_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;
  std::unique_ptr<ControlReactor> reactor_;
};

TEST_F(ControlReactorTest, AnOldTicketDoesNotGiveUpTheRequestThatFollowed) {
  server_.Stall();
  const uint64_t first = reactor_->Send(
      Request(0.1f), [](ControlReactor::Answer) { FAIL() << "given up"; });
  reactor_->GiveUp({"a", 0}, first);
  absl::Notification answered;
  std::optional<ControlReactor::Answer> answer;
  reactor_->Send(Request(0.1f), [&](ControlReactor::Answer value) {
    answer = std::move(value);
    answered.Notify();
  });
  reactor_->GiveUp({"a", 0}, first);  // The second has another ticket.
  server_.Release();
  answered.WaitForNotification();
  EXPECT_TRUE(answer->ok()) << answer->status();
  EXPECT_EQ(server_.calls(), 2);  // OpenSession, and one decision.
}

TEST_F(ControlReactorTest, ASecondRequestForAPendingDecisionIsRefusedAtOnce) {
  server_.Stall();
  absl::Notification answered;
  reactor_->Send(Request(0.1f),
                 [&](ControlReactor::Answer) { answered.Notify(); });
  std::optional<ControlReactor::Answer> refusal;
  reactor_->Send(Request(0.1f), [&](ControlReactor::Answer value) {
    refusal = std::move(value);
  });
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(ErrorReason(refusal->status()), v1::DECISION_IN_FLIGHT);
  EXPECT_FALSE(reactor_->ended());
  server_.Release();
  answered.WaitForNotification();
}

TEST_F(ControlReactorTest, IsDoneOnlyWhenEverythingIsAnswered) {
  server_.Stall();
  absl::Notification answered;
  reactor_->Send(Request(0.1f), [&](ControlReactor::Answer answer) {
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kCancelled);
    EXPECT_FALSE(reactor_->done());
    answered.Notify();
  });
  server_.AwaitStalled(1);
  reactor_->Cancel();
  reactor_->AwaitDone();
  EXPECT_TRUE(answered.HasBeenNotified());
  EXPECT_TRUE(reactor_->ended() && reactor_->done());
}

}  // namespace
}  // namespace foresight

#include "foresight/reconnecting_stream.h"

#include <gtest/gtest.h>

#include <memory>

#include "client/answer_slot.h"
#include "client/fake_adaptation_server.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using Answer = ControlStream::Answer;

class ReconnectingStreamTest : public ::testing::Test {
 protected:
  ReconnectingStreamTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    auto client = AdaptationClient::Connect(server_.address());
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<AdaptationClient>(*std::move(client));
    session_ = std::make_unique<RemoteSession>(*client_->OpenSession());
  }

  std::unique_ptr<ReconnectingStream> Open(absl::Duration first_wait) {
    return Open(first_wait, first_wait);
  }
  std::unique_ptr<ReconnectingStream> Open(absl::Duration first_wait,
                                           absl::Duration longest_wait) {
    ReconnectingStream::Options options;
    options.backoff.initial_backoff = first_wait;
    options.backoff.max_backoff = longest_wait;
    return client_->OpenReconnectingStream(options);
  }

  std::shared_ptr<AnswerSlot> Send(ReconnectingStream& stream, uint64_t index) {
    v1::ActRequest request;
    request.set_session_id(session_->id());
    request.set_decision_index(index);
    for (int i = 0; i < 17; ++i) request.add_observation(0.1f);
    const auto slot = std::make_shared<AnswerSlot>();
    stream.Send(request,
                [slot](Answer answer) { slot->Give(std::move(answer)); });
    return slot;
  }

  Answer Act(ReconnectingStream& stream, uint64_t index) {
    return *Send(stream, index)->Await(SteadyTime::max());
  }

  // Repeats the request until the server is found again.
  Answer ActUntilAnswered(ReconnectingStream& stream, uint64_t index) {
    Answer answer = Act(stream, index);
    while (answer.status().code() == absl::StatusCode::kUnavailable) {
      answer = Act(stream, index);
    }
    return answer;
  }

  FakeAdaptationServer server_;
  std::unique_ptr<AdaptationClient> client_;
  std::unique_ptr<RemoteSession> session_;
};

TEST_F(ReconnectingStreamTest, OneStreamServesWhileItLasts) {
  const auto stream = Open(absl::Hours(1));
  for (uint64_t i = 0; i < 3; ++i) {
    const Answer answer = Act(*stream, i);
    ASSERT_TRUE(answer.ok()) << answer.status();
  }
  EXPECT_EQ(stream->reconnects(), 0);
}

TEST_F(ReconnectingStreamTest, AfterItsEndTheSameDecisionIsAnsweredOnANewOne) {
  server_.EndStreamAfter(1, grpc::Status(grpc::StatusCode::UNAVAILABLE, "bye"));
  const auto stream = Open(absl::Microseconds(1));
  ASSERT_TRUE(Act(*stream, 0).ok());
  EXPECT_TRUE(absl::IsUnavailable(Act(*stream, 1).status()));
  server_.EndStreamAfter(-1, grpc::Status::OK);
  const Answer answer = ActUntilAnswered(*stream, 1);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->decision_index(), 1u);
  EXPECT_GE(stream->reconnects(), 1);
}

TEST_F(ReconnectingStreamTest, AServerThatComesBackIsFound) {
  const auto stream = Open(absl::Milliseconds(1));
  ASSERT_TRUE(Act(*stream, 0).ok());
  server_.Disconnect();
  EXPECT_TRUE(absl::IsUnavailable(Act(*stream, 1).status()));
  server_.Restart();
  const Answer answer = ActUntilAnswered(*stream, 1);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->decision_index(), 1u);
}

TEST_F(ReconnectingStreamTest, AnAnswerResetsTheBackoff) {
  const auto stream = Open(absl::Microseconds(1), absl::Hours(1));
  // Without the reset the waits would grow to many minutes.
  for (uint64_t i = 0; i < 30; ++i) {
    server_.EndStreamAfter(1,
                           grpc::Status(grpc::StatusCode::UNAVAILABLE, "bye"));
    ASSERT_TRUE(ActUntilAnswered(*stream, i).ok());
  }
}

TEST_F(ReconnectingStreamTest, DuringTheWaitARequestIsRefusedAtOnce) {
  const auto stream = Open(absl::Hours(1));
  server_.EndStreamAfter(0, grpc::Status(grpc::StatusCode::UNAVAILABLE, "bye"));
  EXPECT_EQ(Act(*stream, 0).status(), absl::UnavailableError("bye"));
  const absl::Status refused = Act(*stream, 0).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  ASSERT_TRUE(RetryAfter(refused).has_value());
  EXPECT_GT(*RetryAfter(refused), absl::Minutes(20));
  EXPECT_EQ(stream->reconnects(), 0);
}

TEST_F(ReconnectingStreamTest, AnErrorOfOneRequestKeepsTheStream) {
  const auto stream = Open(absl::Hours(1));
  EXPECT_EQ(ErrorReason(Act(*stream, 7).status()), v1::DECISION_SKIPPED);
  EXPECT_TRUE(Act(*stream, 0).ok());
  EXPECT_EQ(stream->reconnects(), 0);
}

TEST_F(ReconnectingStreamTest, ARefusedTokenIsShownAgainOnANewStream) {
  const auto stream = Open(absl::Microseconds(1));
  ASSERT_TRUE(Act(*stream, 0).ok());
  server_.FailNext(1, grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "who?"));
  const Answer answer = ActUntilAnswered(*stream, 1);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(stream->reconnects(), 1);
}

TEST_F(ReconnectingStreamTest, RenewingAnswersOutstandingRequests) {
  const auto stream = Open(absl::Microseconds(1));
  server_.Stall();
  const auto slot = Send(*stream, 0);
  server_.AwaitStalled(1);
  stream->Renew();
  EXPECT_FALSE(slot->Await(SteadyTime::max())->ok());
  server_.AwaitCancelled(1);
  server_.Release();
  const Answer answer = ActUntilAnswered(*stream, 0);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(stream->reconnects(), 1);
}

TEST_F(ReconnectingStreamTest, DestructionAnswersOutstandingRequests) {
  auto stream = Open(absl::Hours(1));
  server_.Stall();
  const auto slot = Send(*stream, 0);
  server_.AwaitStalled(1);
  stream.reset();
  const auto answer = slot->Await(SteadyTime::min());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace foresight

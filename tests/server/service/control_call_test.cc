#include "server/service/control_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "server/decisions/request_checks.h"
#include "server/service/refusal_delay.h"
#include "server/support/clock.h"
#include "server/support/error.h"
#include "tests/server/service/service_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class ControlCallTest : public ServiceTest,
                        private v1::Adaptation::CallbackService {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::ActRequest, v1::ControlResponse>;

  ControlCallTest() { Serve(this); }

  grpc::ServerBidiReactor<v1::ActRequest, v1::ControlResponse>* Control(
      grpc::CallbackServerContext* context) override {
    absl::MutexLock lock(&mutex_);
    const auto call = ControlCall::Start(
        options_, context, [this] { return Identify(); }, &maker_, &metrics_);
    call_ = call;
    return call.get();
  }

  absl::StatusOr<Caller> Identify() {
    if (may_call_) return Caller{"", "owner"};
    return MakeError(Reason::kUnauthenticated, "the token is no longer valid");
  }

  std::unique_ptr<Stream> Connect() {
    contexts_.push_back(Within(kPatience));
    contexts_.back()->AddMetadata("x-request-id", "stream-1");
    return stub_->Control(contexts_.back().get());
  }

  // Returns the next answer; the test fails if there is none.
  static v1::ControlResponse Next(Stream& stream) {
    v1::ControlResponse answer;
    EXPECT_TRUE(stream.Read(&answer));
    return answer;
  }

  // The last stream's call, which has begun; null once gRPC is done with it.
  std::shared_ptr<ControlCall> call() {
    absl::MutexLock lock(&mutex_);
    return call_.lock();
  }

  ControlCall::Options options_;
  std::atomic<bool> may_call_ = true;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts_;
  absl::Mutex mutex_;
  std::weak_ptr<ControlCall> call_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(ControlCallTest, EachAnswerNamesItsSessionAndDecision) {
  Open("a");
  const auto stream = Connect();
  for (uint64_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
    const v1::ControlResponse answer = Next(*stream);
    EXPECT_EQ(answer.session_id(), "a");
    EXPECT_EQ(answer.decision_index(), i);
    EXPECT_EQ(answer.response().action(0),
              FakeEngine::Action(0.5f, i + 1, 7, i));
  }
  const auto& echoed = contexts_.back()->GetServerInitialMetadata();
  const auto found = echoed.find("x-request-id");
  ASSERT_NE(found, echoed.end());
  EXPECT_EQ(found->second, "stream-1");
  ASSERT_TRUE(stream->WritesDone());
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ControlCallTest, AnErrorAnswersItsRequestAndTheStreamGoesOn) {
  Open("a");
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("unknown", 0.5f, 4)));
  const v1::ControlResponse refused = Next(*stream);
  EXPECT_EQ(refused.session_id(), "unknown");
  EXPECT_EQ(refused.decision_index(), 4u);
  EXPECT_EQ(refused.error().reason(), "SESSION_UNKNOWN");
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  EXPECT_TRUE(Next(*stream).has_response());
}

TEST_F(ControlCallTest, OnlyTheBeginningOfALongIdIsEchoed) {
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request(std::string(1000, 'x'), 0.5f)));
  const v1::ControlResponse refused = Next(*stream);
  EXPECT_EQ(refused.session_id(), std::string(kMaxIdBytes, 'x'));
  EXPECT_EQ(refused.error().reason(), "SETTINGS_INVALID");
}

TEST_F(ControlCallTest, ACallerThatMayNoLongerCallIsRefused) {
  Open("a");
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  EXPECT_TRUE(Next(*stream).has_response());
  may_call_ = false;
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  EXPECT_EQ(Next(*stream).error().reason(), "UNAUTHENTICATED");
  EXPECT_EQ(engine_->decisions(), 1);
}

TEST_F(ControlCallTest, ARequestThatIsTooLongIsRefused) {
  Open("a");
  options_.max_message_bytes = Request("a", 0.5f).ByteSizeLong();
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("a", 0.5f, 0)));  // Its index is too much.
  EXPECT_EQ(Next(*stream).error().code(),
            static_cast<int>(absl::StatusCode::kResourceExhausted));
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  EXPECT_TRUE(Next(*stream).has_response());
  EXPECT_EQ(engine_->decisions(), 1);
}

TEST_F(ControlCallTest, NoMoreBytesAreReadThanTheStreamMayHold) {
  Open("a");
  options_.max_bytes = Request("a", 0.5f).ByteSizeLong();
  engine_->Hold();
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  ASSERT_TRUE(engine_->AwaitRunning(1));
  // If this were read, it would be answered at once, before the first request.
  ASSERT_TRUE(stream->Write(Request("unknown", 0.5f)));
  // Over the same connection; once it is answered, the above has arrived, too.
  const auto other = Connect();
  ASSERT_TRUE(other->Write(Request("unknown", 0.5f)));
  EXPECT_TRUE(Next(*other).has_error());
  engine_->Release();
  EXPECT_EQ(Next(*stream).session_id(), "a");
  EXPECT_EQ(Next(*stream).session_id(), "unknown");
}

TEST_F(ControlCallTest, AfterARefusalOfManyBytesNothingIsReadForAWhile) {
  Open("a");
  const auto stream = Connect();
  const absl::Time begin = MonotonicNow();
  ASSERT_TRUE(stream->Write(LongRequest()));
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  EXPECT_EQ(Next(*stream).error().reason(), "OBSERVATION_INVALID");
  EXPECT_TRUE(Next(*stream).has_response());
  EXPECT_GE(MonotonicNow() - begin,
            RefusalDelay(absl::InvalidArgumentError(""), kLongBytes));
}

TEST_F(ControlCallTest, ADrainedStreamEndsWhenWhatItReadIsAnswered) {
  Open("a");
  engine_->Hold();
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  ASSERT_TRUE(engine_->AwaitRunning(1));
  call()->Drain();
  engine_->Release();
  EXPECT_TRUE(Next(*stream).has_response());
  v1::ControlResponse none;
  EXPECT_FALSE(stream->Read(&none));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(status.error_details(), HasSubstr("DRAINING"));
}

TEST_F(ControlCallTest, ACancelledStreamLeavesItsSessionsAsTheyWere) {
  Open("a");
  engine_->Hold();
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  ASSERT_TRUE(engine_->AwaitRunning(1));
  EXPECT_EQ(metrics_.control_streams.Value(), 1);
  contexts_.back()->TryCancel();
  // The decision ends although the engine is still held.
  ASSERT_TRUE(maker_.AwaitIdle(kPatience));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  const absl::Time give_up = MonotonicNow() + kPatience;
  while (call() != nullptr && MonotonicNow() < give_up) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  EXPECT_EQ(call(), nullptr);
  EXPECT_EQ(metrics_.control_streams.Value(), 0);
  engine_->Release();
  const auto next = Connect();
  ASSERT_TRUE(next->Write(Request("a", 0.5f)));
  EXPECT_EQ(Next(*next).decision_index(), 0u);
}

}  // namespace
}  // namespace foresight

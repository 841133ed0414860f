// The Control stream: many sessions at once, back-pressure, clients that leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "server/decisions/durations.h"
#include "server/support/clock.h"
#include "tests/integration/served_test.h"

namespace foresight {
namespace {

class ControlTest : public ServedTest {
 protected:
  using Stream = grpc::ClientReaderWriter<v1::ActRequest, v1::ControlResponse>;

  std::unique_ptr<Stream> Connect() {
    context_ = Patient();
    return stub_->Control(context_.get());
  }

  // Returns the next answer; the test fails if there is none.
  static v1::ControlResponse Next(Stream& stream) {
    v1::ControlResponse answer;
    EXPECT_TRUE(stream.Read(&answer));
    return answer;
  }

  std::unique_ptr<grpc::ClientContext> context_;
};

TEST_F(ControlTest, AnswersComeInTheOrderInWhichTheyAreReady) {
  StartServer();
  Open("slow");
  Open("quick", /*steps=*/0);
  engine_->Hold();
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("slow", 0.5f)));
  ASSERT_TRUE(engine_->AwaitRunning(1));
  for (uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(stream->Write(Request("quick", 0.5f)));
    const v1::ControlResponse answer = Next(*stream);
    EXPECT_EQ(answer.session_id(), "quick");
    EXPECT_EQ(answer.decision_index(), i);
    EXPECT_EQ(answer.response().decision_index(), i);
    EXPECT_EQ(answer.response().action(0), FakeEngine::Action(0.5f, 0, 7, i));
  }
  engine_->Release();
  EXPECT_EQ(Next(*stream).session_id(), "slow");
}

TEST_F(ControlTest, ManySessionsShareAStream) {
  constexpr int kSessions = 50;
  constexpr int kDecisions = 20;
  StartServer();
  for (int i = 0; i < kSessions; ++i) Open(absl::StrCat("s", i));
  const auto stream = Connect();
  for (int i = 0; i < kSessions; ++i) {
    ASSERT_TRUE(stream->Write(Request(absl::StrCat("s", i), i / 64.f, 0)));
  }
  std::map<std::string, uint64_t> done;
  for (int n = 0; n < kSessions * kDecisions; ++n) {
    const v1::ControlResponse answer = Next(*stream);
    ASSERT_TRUE(answer.has_response()) << answer.error().message();
    const std::string& id = answer.session_id();
    const uint64_t index = done[id]++;
    ASSERT_EQ(answer.decision_index(), index);
    const float value = std::stoi(id.substr(1)) / 64.f;
    ASSERT_EQ(answer.response().action(0),
              FakeEngine::Action(value, index + 1, 7, index));
    if (index + 1 < kDecisions) {
      ASSERT_TRUE(stream->Write(Request(id, value, index + 1)));
    }
  }
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ControlTest, AfterTheLastRequestAllIsAnsweredBeforeTheEnd) {
  StartServer();
  Open("a");
  Open("b");
  engine_->Hold();
  const auto stream = Connect();
  ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
  ASSERT_TRUE(stream->Write(Request("b", 0.5f)));
  ASSERT_TRUE(stream->WritesDone());
  ASSERT_TRUE(engine_->AwaitRunning(2));
  engine_->Release();
  std::set<std::string> ids;
  for (int i = 0; i < 2; ++i) ids.insert(Next(*stream).session_id());
  EXPECT_EQ(ids, (std::set<std::string>{"a", "b"}));
  v1::ControlResponse none;
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ControlTest, AnEmptyStreamEndsWell) {
  StartServer();
  const auto stream = Connect();
  ASSERT_TRUE(stream->WritesDone());
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(ControlTest, NoMoreIsReadThanTheStreamMayHaveInFlight) {
  options_.streams.max_in_flight = 2;
  StartServer();
  for (const char* id : {"a", "b", "c"}) Open(id, /*steps=*/1);
  engine_->Hold();
  const auto stream = Connect();
  for (const char* id : {"a", "b", "c"}) {
    ASSERT_TRUE(stream->Write(Request(id, 0.5f)));
  }
  ASSERT_TRUE(engine_->AwaitRunning(2));
  // The third request is not even read, so it cannot be in flight. A call on
  // another connection still gets through.
  EXPECT_TRUE(AwaitMetric("foresight_decisions_in_flight", 2));
  EXPECT_EQ(Seen(Act(Request("a", 0.5f))).reason, "DECISION_IN_FLIGHT");
  EXPECT_TRUE(AwaitMetric("foresight_decisions_in_flight", 2));
  engine_->Release();
  std::set<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.insert(Next(*stream).session_id());
  EXPECT_EQ(ids.size(), 3u);
}

TEST_F(ControlTest, AClientThatIsRefusedIsReadMoreSlowly) {
  constexpr int kRefused = 20;
  options_.scheduler.queue.max_per_owner = 1;
  StartServer();
  engine_->Hold();
  const auto stream = Connect();
  // Two decisions run, one waits.
  const v1::ActRequest stateless = Request("", 0.5f);
  for (int running = 1; running <= 2; ++running) {
    ASSERT_TRUE(stream->Write(stateless));
    ASSERT_TRUE(engine_->AwaitRunning(running));
  }
  ASSERT_TRUE(stream->Write(stateless));
  ASSERT_TRUE(AwaitMetric("foresight_decisions_in_flight", 3));
  const absl::Time begin = MonotonicNow();
  for (int i = 0; i < kRefused; ++i) ASSERT_TRUE(stream->Write(stateless));
  absl::Duration asked_to_wait;
  for (int i = 0; i < kRefused; ++i) {
    const v1::ControlResponse answer = Next(*stream);
    ASSERT_EQ(answer.error().reason(), "OVERLOADED");
    if (i < kRefused - 1) {  // Nothing comes after the last one.
      asked_to_wait += *FromProto("retry_after", answer.error().retry_after());
    }
  }
  EXPECT_GT(asked_to_wait, absl::ZeroDuration());
  EXPECT_GE(MonotonicNow() - begin, asked_to_wait);
  engine_->Release();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Next(*stream).has_response());
}

TEST_F(ControlTest, ABudgetIsKeptOnAStreamWithoutDeadline) {
  StartServer();
  Open("a", /*steps=*/1000);
  engine_->Hold();
  grpc::ClientContext context;
  const auto stream = stub_->Control(&context);
  v1::ActRequest request = Request("a", 0.5f);
  *request.mutable_budget() = ToProto(absl::Milliseconds(20));
  ASSERT_TRUE(stream->Write(request));
  const v1::ControlResponse answer = Next(*stream);
  EXPECT_EQ(answer.response().report().outcome(), v1::FROZEN);
  context.TryCancel();
}

TEST_F(ControlTest, ManyStreamsComeAndGo) {
  StartServer();
  Open("a");
  for (int i = 0; i < 100; ++i) {
    const auto stream = Connect();
    ASSERT_TRUE(stream->Write(Request("a", 0.5f)));
    if (i % 2 == 0) Next(*stream);
    if (i % 3 == 0) stream->WritesDone();
    context_->TryCancel();
  }
  EXPECT_TRUE(AwaitMetric("foresight_control_streams", 0));
  EXPECT_TRUE(AwaitMetric("foresight_decisions_in_flight", 0));
}

}  // namespace
}  // namespace foresight

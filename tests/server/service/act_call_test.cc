#include "server/service/act_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/service/refusal_delay.h"
#include "server/support/clock.h"
#include "tests/server/service/service_test.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ActCallTest : public ServiceTest,
                    private v1::Adaptation::CallbackService {
 protected:
  ActCallTest() { Serve(this); }

  grpc::ServerUnaryReactor* Act(grpc::CallbackServerContext* context,
                                const v1::ActRequest* request,
                                v1::ActResponse* response) override {
    return ActCall::Start(context, Caller{"", "owner"}, *request, response,
                          &maker_, &metrics_);
  }

  grpc::Status Ask(const v1::ActRequest& request) {
    return stub_->Act(Within(kPatience).get(), request, &answer_);
  }

  v1::ActResponse answer_;
};

TEST_F(ActCallTest, AnAnswerReachesTheClientAndIsCounted) {
  Open("a");
  const grpc::Status status = Ask(Request("a", 0.5f));
  ASSERT_TRUE(status.ok()) << status.error_message();
  const float action = FakeEngine::Action(0.5f, 1, 7, 0);
  EXPECT_THAT(answer_.action(), ElementsAre(action, action));
  EXPECT_EQ(answer_.report().steps_done(), 1u);
  EXPECT_THAT(MetricsPage(),
              HasSubstr("foresight_requests_total{code=\"OK\",method=\"Act\"} "
                        "1\n"));
}

TEST_F(ActCallTest, AnErrorReachesTheClientAndIsCounted) {
  const grpc::Status status = Ask(Request("unknown", 0.5f));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_details(), HasSubstr("SESSION_UNKNOWN"));
  EXPECT_THAT(MetricsPage(),
              HasSubstr("foresight_requests_total{code=\"NOT_FOUND\",method="
                        "\"Act\"} 1\n"));
}

TEST_F(ActCallTest, TheRequestIdIsEchoed) {
  Open("a");
  const auto context = Within(kPatience);
  context->AddMetadata("x-request-id", "call-1");
  ASSERT_TRUE(stub_->Act(context.get(), Request("a", 0.5f), &answer_).ok());
  const auto& echoed = context->GetServerInitialMetadata();
  const auto found = echoed.find("x-request-id");
  ASSERT_NE(found, echoed.end());
  EXPECT_EQ(found->second, "call-1");
}

TEST_F(ActCallTest, TheCallsDeadlineIsTheDecisions) {
  Open("a");
  const absl::Time begin = MonotonicNow();
  ASSERT_TRUE(Ask(Request("a", 0.5f)).ok());
  // gRPC rounds timeouts, and the decision leaves a margin for the answer.
  EXPECT_GE(engine_->last_deadline(), begin + 0.9 * kPatience);
  EXPECT_LE(engine_->last_deadline(), MonotonicNow() + 1.1 * kPatience);
}

TEST_F(ActCallTest, ACancelledCallLeavesTheSessionAsItWas) {
  Open("a");
  engine_->Hold();
  const auto context = Within(kPatience);
  std::thread client([&] {
    const grpc::Status status =
        stub_->Act(context.get(), Request("a", 0.5f), &answer_);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  context->TryCancel();
  client.join();
  // The decision ends although the engine is still held.
  ASSERT_TRUE(maker_.AwaitIdle(kPatience));
  engine_->Release();
  ASSERT_TRUE(Ask(Request("a", 0.5f)).ok());
  EXPECT_EQ(answer_.decision_index(), 0u);
  EXPECT_EQ(answer_.action(0), FakeEngine::Action(0.5f, 1, 7, 0));
}

TEST_F(ActCallTest, ARefusedRequestOfManyBytesIsAnsweredLate) {
  const absl::Time begin = MonotonicNow();
  EXPECT_EQ(Ask(LongRequest()).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_GE(MonotonicNow() - begin,
            RefusalDelay(absl::InvalidArgumentError(""), kLongBytes));
}

}  // namespace
}  // namespace foresight

#include "client/load/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "client/fake_adaptation_server.h"

namespace foresight {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr absl::Duration kPatience =
    absl::Seconds(30);  // Only a hang reaches it.

// Keeps each loop's last result: an action's first component, or the reason of
// an error.
class Inbox : public AnswerReceiver {
 public:
  void OnAnswer(int loop, const v1::ActResponse& response) override {
    Put(loop, absl::StrCat(response.action(0)));
  }
  void OnError(int loop, absl::string_view reason) override {
    Put(loop, std::string(reason));
  }
  std::string Take(int loop) ABSL_LOCKS_EXCLUDED(mutex_) {
    const auto here = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return messages_.count(loop) > 0;
    };
    absl::MutexLock lock(&mutex_);
    if (!mutex_.AwaitWithTimeout(absl::Condition(&here), kPatience)) {
      return "nothing";
    }
    const std::string message = messages_[loop];
    messages_.erase(loop);
    return message;
  }

 private:
  void Put(int loop, const std::string& message) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    messages_[loop] = message;
  }

  absl::Mutex mutex_;
  std::map<int, std::string> messages_ ABSL_GUARDED_BY(mutex_);
};

class TransportTest : public ::testing::TestWithParam<bool> {
 protected:
  TransportTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    auto stubs = OpenStubs(server_.address(), 2, kPatience);
    EXPECT_TRUE(stubs.ok()) << stubs.status();
    stubs_ = *std::move(stubs);
    for (int i = 0; i < 5; ++i) {
      v1::OpenSessionRequest request;
      v1::Session session;
      request.mutable_settings()->set_steps(0);
      grpc::ClientContext context;
      EXPECT_TRUE(stubs_[0]->OpenSession(&context, request, &session).ok());
      sessions_.push_back(session.session_id());
    }
    transport_ = GetParam() ? MakeStreamTransport(stubs_, sessions_, 2, &inbox_)
                            : MakeUnaryTransport(stubs_, sessions_, &inbox_);
  }

  // The fake's action is a tenth of the observation.
  void Send(int loop, float value) {
    transport_->Send(loop, {value}, kPatience);
  }

  FakeAdaptationServer server_;
  Inbox inbox_;
  Stubs stubs_;
  std::vector<std::string> sessions_;
  std::unique_ptr<Transport> transport_;
};

INSTANTIATE_TEST_SUITE_P(Transports, TransportTest, ::testing::Bool());

TEST_P(TransportTest, EachLoopGetsItsOwnAnswersAgainAndAgain) {
  for (int round = 0; round < 3; ++round) {
    for (int loop = 0; loop < 5; ++loop) {
      Send(loop, static_cast<float>(round + loop));
    }
    for (int loop = 0; loop < 5; ++loop) {
      EXPECT_EQ(inbox_.Take(loop),
                absl::StrCat(
                    std::min(0.1f * static_cast<float>(round + loop), 1.0f)));
    }
  }
}

TEST_P(TransportTest, AnErrorGoesToItsLoopAloneAndTheNextRequestWorks) {
  server_.Stall();
  server_.FailOneStalled(DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                        "busy", "OVERLOADED",
                                        absl::Milliseconds(1)));
  Send(3, 1);
  EXPECT_EQ(inbox_.Take(3), "OVERLOADED");
  server_.Release();
  Send(3, 2);
  Send(4, 3);
  EXPECT_EQ(inbox_.Take(3), "0.2");
  EXPECT_EQ(inbox_.Take(4), "0.3");
}

TEST_P(TransportTest, DestroyingEndsOutstandingRequestsWithErrors) {
  server_.Stall();
  Send(0, 1);
  Send(4, 1);
  server_.AwaitStalled(2);
  transport_ = nullptr;
  EXPECT_EQ(inbox_.Take(0), "CANCELLED");
  EXPECT_EQ(inbox_.Take(4), "CANCELLED");
}

TEST_P(TransportTest, WithoutTheServerEveryRequestIsAnError) {
  server_.Stop();
  for (int round = 0; round < 2; ++round) {
    Send(1, 1);
    // A stopping server may also cancel its streams.
    EXPECT_THAT(inbox_.Take(1), AnyOf("UNAVAILABLE", "CANCELLED"));
  }
}

TEST(LoadStreamTest, AStreamThatEndedFailsEveryRequestWithItsReason) {
  FakeAdaptationServer server(
      {FakeAdaptationServer::HalfCheetahModel("cheetah")});
  auto stubs = OpenStubs(server.address(), 1, kPatience);
  ASSERT_TRUE(stubs.ok()) << stubs.status();
  Inbox inbox;
  // The server knows neither session, so each decision is an error.
  const auto transport = MakeStreamTransport(*stubs, {"a", "b"}, 2, &inbox);
  transport->Send(0, {1}, kPatience);
  EXPECT_EQ(inbox.Take(0), "SESSION_UNKNOWN");
  server.EndStreamAfter(0, DetailedStatus(grpc::StatusCode::UNAVAILABLE, "bye",
                                          "DRAINING", absl::Seconds(1)));
  // The server may already have begun to read the next request.
  std::string answer = "SESSION_UNKNOWN";
  for (int i = 0; i < 2 && answer == "SESSION_UNKNOWN"; ++i) {
    transport->Send(0, {2}, kPatience);
    answer = inbox.Take(0);
  }
  EXPECT_EQ(answer, "DRAINING");
  for (const int loop : {0, 1}) {
    transport->Send(loop, {3}, kPatience);
    EXPECT_EQ(inbox.Take(loop), "DRAINING");
  }
}

TEST(OpenStubsTest, WithoutAServerItIsUnavailable) {
  const auto stubs = OpenStubs("127.0.0.1:1", 3, absl::Milliseconds(50));
  EXPECT_EQ(stubs.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(stubs.status().message()),
              HasSubstr("connection 1 of 3 to 127.0.0.1:1"));
}

}  // namespace
}  // namespace foresight

// The asynchronous half of a RemoteSession; remote_session_test.cc has the
// rest.
#include "client/session_calls.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/synchronization/notification.h"
#include "client/fake_adaptation_server.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"
#include "foresight/cancellation.h"

namespace foresight {
namespace {

const std::vector<float> kObservation(17, 0.1f);
const std::vector<float> kNewer(17, 0.2f);
constexpr float kAction = 0.02f;  // With one step and seed 0.
constexpr float kNewerAction = 0.04f;

using Answer = RemoteSession::Answer;

// Keeps what a callback was given.
class Seen {
 public:
  RemoteSession::OnAnswer Callback() {
    return [this](Answer answer) {
      answer_ = std::move(answer);
      given_.Notify();  // Aborts if it is called twice.
    };
  }
  const Answer& Await() {
    given_.WaitForNotification();
    return *answer_;
  }
  bool given() const { return given_.HasBeenNotified(); }

 private:
  std::optional<Answer> answer_;
  absl::Notification given_;
};

// Every behaviour holds with separate calls and on a stream.
class ActAsyncTest : public ::testing::TestWithParam<bool> {
 protected:
  ActAsyncTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    auto client = AdaptationClient::Connect(server_.address());
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<AdaptationClient>(*std::move(client));
    if (GetParam()) stream_ = client_->OpenControlStream();
    options_.stream = stream_.get();
    auto session = client_->OpenSession();
    EXPECT_TRUE(session.ok()) << session.status();
    session_.emplace(*std::move(session));
  }

  FakeAdaptationServer server_;
  std::unique_ptr<AdaptationClient> client_;
  std::unique_ptr<ControlStream> stream_;
  ActOptions options_;
  std::optional<RemoteSession> session_;
};

INSTANTIATE_TEST_SUITE_P(Calls, ActAsyncTest, ::testing::Values(false));
INSTANTIATE_TEST_SUITE_P(Stream, ActAsyncTest, ::testing::Values(true));

TEST_P(ActAsyncTest, ReturnsBeforeItsAnswer) {
  server_.Stall();
  Seen seen;
  session_->ActAsync(kObservation, options_, seen.Callback());
  server_.AwaitStalled(1);
  EXPECT_FALSE(seen.given());
  server_.Release();
  const Answer& answer = seen.Await();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FLOAT_EQ(answer->action(0), kAction);
}

TEST_P(ActAsyncTest, TakesDoubles) {
  Seen seen;
  session_->ActAsync(std::vector<double>(17, 0.2), options_, seen.Callback());
  ASSERT_TRUE(seen.Await().ok()) << seen.Await().status();
  EXPECT_FLOAT_EQ(seen.Await()->action(0), kNewerAction);
}

TEST_P(ActAsyncTest, AnAnswerMayAskForTheNextDecision) {
  constexpr uint64_t kLast = 9;
  absl::Notification done;
  Answer last = absl::UnknownError("none");
  std::function<void(Answer)> next = [&](Answer answer) {
    if (answer.ok() && answer->decision_index() < kLast) {
      session_->ActAsync(kObservation, options_, next);
    } else {
      last = std::move(answer);
      done.Notify();
    }
  };
  session_->ActAsync(kObservation, options_, next);
  done.WaitForNotification();
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->decision_index(), kLast);
  // The last callback may still be returning.
  session_.reset();
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_P(ActAsyncTest, AnErrorArrivesWithItsReasonAndTheSessionContinues) {
  server_.FailNext(1,
                   DetailedStatus(grpc::StatusCode::RESOURCE_EXHAUSTED, "busy",
                                  "OVERLOADED", absl::Milliseconds(1)));
  Seen refused;
  session_->ActAsync(kObservation, options_, refused.Callback());
  EXPECT_EQ(ErrorReason(refused.Await().status()), v1::OVERLOADED);
  Seen answered;
  session_->ActAsync(kNewer, options_, answered.Callback());
  ASSERT_TRUE(answered.Await().ok()) << answered.Await().status();
  EXPECT_EQ(answered.Await()->decision_index(), 0u);
}

TEST_P(ActAsyncTest, DestroyingTheSessionGivesTheDecisionUp) {
  server_.Stall();
  Seen seen;
  session_->ActAsync(kObservation, options_, seen.Callback());
  server_.AwaitStalled(1);
  session_.reset();
  ASSERT_TRUE(seen.given());  // Before the destructor returned.
  EXPECT_EQ(seen.Await().status().code(), absl::StatusCode::kCancelled);
  server_.Release();
}

TEST_P(ActAsyncTest, ASessionThatIsMovedKeepsItsDecision) {
  server_.Stall();
  Seen seen;
  session_->ActAsync(kObservation, options_, seen.Callback());
  server_.AwaitStalled(1);
  std::optional<RemoteSession> moved = *std::move(session_);
  session_.reset();
  EXPECT_FALSE(seen.given());
  server_.Release();
  EXPECT_TRUE(seen.Await().ok()) << seen.Await().status();
  moved.reset();
  EXPECT_EQ(server_.open_sessions(), 0);
}

class ActAsyncCallTest : public ActAsyncTest {};
INSTANTIATE_TEST_SUITE_P(Calls, ActAsyncCallTest, ::testing::Values(false));

TEST_P(ActAsyncCallTest, TheTimeoutAndTheCancellationEndIt) {
  server_.Stall();
  Seen late;
  options_.call.timeout = absl::Milliseconds(10);
  session_->ActAsync(kObservation, options_, late.Callback());
  EXPECT_EQ(late.Await().status().code(), absl::StatusCode::kDeadlineExceeded);
  Seen cancelled;
  Cancellation cancellation;
  options_.call = {std::nullopt, &cancellation};
  session_->ActAsync(kObservation, options_, cancelled.Callback());
  cancellation.Cancel();
  EXPECT_EQ(cancelled.Await().status().code(), absl::StatusCode::kCancelled);
  server_.Release();
}

TEST_P(ActAsyncCallTest, ALostAnswersDecisionIsNotMadeTwice) {
  server_.LoseNextAnswers(1);
  Seen lost;
  session_->ActAsync(kObservation, options_, lost.Callback());
  EXPECT_EQ(lost.Await().status().code(), absl::StatusCode::kUnavailable);
  // The lost decision was made, for the older observation: the index moves on.
  Seen next;
  session_->ActAsync(kNewer, options_, next.Callback());
  ASSERT_TRUE(next.Await().ok()) << next.Await().status();
  EXPECT_EQ(next.Await()->decision_index(), 1u);
  EXPECT_FLOAT_EQ(next.Await()->action(0), kNewerAction);
}

}  // namespace
}  // namespace foresight

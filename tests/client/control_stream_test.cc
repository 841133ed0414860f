#include "foresight/control_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "client/fake_adaptation_server.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class ControlStreamTest : public ::testing::Test {
 protected:
  ControlStreamTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {
    auto client = AdaptationClient::Connect(server_.address());
    EXPECT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<AdaptationClient>(*std::move(client));
  }

  std::unique_ptr<RemoteSession> Open() {
    auto session = client_->OpenSession();
    EXPECT_TRUE(session.ok()) << session.status();
    return session.ok() ? std::make_unique<RemoteSession>(*std::move(session))
                        : nullptr;
  }

  static v1::ActRequest Request(const RemoteSession& session, uint64_t index,
                                float value) {
    v1::ActRequest request;
    request.set_session_id(session.id());
    request.set_decision_index(index);
    for (int i = 0; i < 17; ++i) request.add_observation(value);
    return request;
  }

  FakeAdaptationServer server_;
  std::unique_ptr<AdaptationClient> client_;
};

TEST_F(ControlStreamTest, AnswersFindTheirRequestsInAnyOrder) {
  constexpr int kSessions = 5;
  server_.AnswerInReversedGroups(kSessions);
  const auto stream = client_->OpenControlStream();
  std::vector<std::unique_ptr<RemoteSession>> sessions;
  for (int i = 0; i < kSessions; ++i) sessions.push_back(Open());
  for (uint64_t decision = 0; decision < 3; ++decision) {
    absl::BlockingCounter outstanding(kSessions);
    std::vector<ControlStream::Answer> answers(kSessions,
                                               absl::UnknownError("none"));
    for (int i = 0; i < kSessions; ++i) {
      stream->Send(Request(*sessions[i], decision, 0.01f * i),
                   [&, i](ControlStream::Answer answer) {
                     answers[i] = std::move(answer);
                     outstanding.DecrementCount();
                   });
    }
    outstanding.Wait();
    for (int i = 0; i < kSessions; ++i) {
      ASSERT_TRUE(answers[i].ok()) << answers[i].status();
      EXPECT_EQ(answers[i]->session_id(), sessions[i]->id());
      EXPECT_EQ(answers[i]->decision_index(), decision);
      EXPECT_FLOAT_EQ(answers[i]->action(0), 0.1f * 2 * 0.01f * i);
    }
  }
}

TEST_F(ControlStreamTest, ASecondAnswerIsIgnored) {
  server_.AnswerTwice();
  const auto session = Open();
  const auto stream = client_->OpenControlStream();
  for (uint64_t decision = 0; decision < 3; ++decision) {
    const float value = 0.1f * static_cast<float>(decision);
    const auto answer = stream->Act(Request(*session, decision, value));
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->decision_index(), decision);
    EXPECT_FLOAT_EQ(answer->action(0), 0.1f * 2 * value);
  }
}

TEST_F(ControlStreamTest, ThreadsShareOneStream) {
  const auto stream = client_->OpenControlStream();
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const auto session = Open();
      const std::vector<float> observation(17, 0.1f * i);
      for (int decision = 0; decision < 50; ++decision) {
        ActOptions options;
        options.stream = stream.get();
        const auto response = session->Act(observation, options);
        if (response.ok() && response->action(0) == 0.1f * 2 * (0.1f * i)) {
          ++answered;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 4 * 50);
}

TEST_F(ControlStreamTest, AnErrorAnswersItsRequestAlone) {
  const auto stream = client_->OpenControlStream();
  const auto session = Open();
  const auto skipped = stream->Act(Request(*session, 7, 0.1f));
  EXPECT_EQ(skipped.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReason(skipped.status()), v1::DECISION_SKIPPED);
  EXPECT_FALSE(stream->broken());
  EXPECT_TRUE(stream->Act(Request(*session, 0, 0.1f)).ok());
}

TEST_F(ControlStreamTest, AReplacedTokenEndsTheStream) {
  const auto stream = client_->OpenControlStream();
  const auto session = Open();
  ASSERT_TRUE(stream->Act(Request(*session, 0, 0.1f)).ok());
  server_.FailNext(1, grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "who?"));
  const absl::Status refused = stream->Act(Request(*session, 1, 0.1f)).status();
  // A new stream may show a new token, so another try is worthwhile.
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(refused.message(), HasSubstr("token"));
  EXPECT_TRUE(stream->broken());
  EXPECT_EQ(stream->Act(Request(*session, 2, 0.1f)).status(), refused);
  const auto next = client_->OpenControlStream();
  EXPECT_TRUE(next->Act(Request(*session, 1, 0.1f)).ok());
}

TEST_F(ControlStreamTest, ABrokenStreamAnswersOutstandingAndLaterRequests) {
  const auto session = Open();
  const auto other = Open();
  server_.AnswerInReversedGroups(3);  // So that two stay outstanding.
  server_.EndStreamAfter(
      2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down"));
  const auto stream = client_->OpenControlStream();
  absl::BlockingCounter outstanding(2);
  std::vector<absl::Status> ends(2);
  for (int i = 0; i < 2; ++i) {
    stream->Send(Request(i == 0 ? *session : *other, 0, 0.1f),
                 [&, i](ControlStream::Answer answer) {
                   ends[i] = answer.status();
                   outstanding.DecrementCount();
                 });
  }
  outstanding.Wait();
  for (const absl::Status& end : ends) {
    EXPECT_EQ(end, absl::UnavailableError("shutting down"));
  }
  EXPECT_TRUE(stream->broken());
  EXPECT_EQ(stream->Act(Request(*session, 0, 0.1f)).status(),
            absl::UnavailableError("shutting down"));

  // The session lives on: the same decision is answered on a new stream.
  server_.EndStreamAfter(-1, grpc::Status::OK);
  server_.AnswerInReversedGroups(1);
  const auto next = client_->OpenControlStream();
  const auto response = next->Act(Request(*session, 0, 0.1f));
  ASSERT_TRUE(response.ok()) << response.status();
}

TEST_F(ControlStreamTest, AServerThatEndsTheStreamInPeaceIsUnavailable) {
  server_.EndStreamAfter(0, grpc::Status::OK);
  const auto stream = client_->OpenControlStream();
  const auto session = Open();
  const auto response = stream->Act(Request(*session, 0, 0.1f));
  EXPECT_EQ(response.status(),
            absl::UnavailableError("the server ended the stream"));
}

TEST_F(ControlStreamTest, AServerThatDiesBreaksTheStream) {
  const auto session = Open();
  const auto stream = client_->OpenControlStream();
  server_.Stall();
  absl::Status status;
  std::thread caller(
      [&] { status = stream->Act(Request(*session, 0, 0.1f)).status(); });
  server_.AwaitStalled(1);
  server_.Stop();
  caller.join();
  EXPECT_FALSE(status.ok());
  EXPECT_TRUE(stream->broken());
}

TEST_F(ControlStreamTest, ARepeatedRequestGetsTheAnswerGivenUp) {
  const auto session = Open();
  const auto stream = client_->OpenControlStream();
  server_.Stall();
  EXPECT_EQ(stream->Act(Request(*session, 0, 0.1f), {absl::Milliseconds(10)})
                .status()
                .code(),
            absl::StatusCode::kDeadlineExceeded);
  server_.AwaitStalled(1);
  const int sent = server_.calls();
  // Until the first request is answered, its answer could not be told from the
  // answer to another observation.
  const auto changed = stream->Act(Request(*session, 0, 0.2f));
  EXPECT_EQ(changed.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReason(changed.status()), v1::DECISION_IN_FLIGHT);

  absl::Notification answered;
  ControlStream::Answer answer = absl::UnknownError("none");
  stream->Send(Request(*session, 0, 0.1f), [&](ControlStream::Answer value) {
    answer = std::move(value);
    answered.Notify();
  });
  server_.Release();
  answered.WaitForNotification();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(server_.calls(), sent);  // It waited without asking again.
}

TEST_F(ControlStreamTest, ARequestWithoutIndexIsRefused) {
  const auto stream = client_->OpenControlStream();
  v1::ActRequest request;
  request.set_session_id("session-1");
  EXPECT_EQ(stream->Act(request).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(ControlStreamTest, CancellationEndsTheWaitButNotTheStream) {
  const auto session = Open();
  const auto other = Open();
  const auto stream = client_->OpenControlStream();
  server_.Stall();
  Cancellation cancellation;
  absl::Status status;
  std::thread caller([&] {
    status =
        stream->Act(Request(*session, 0, 0.1f), {std::nullopt, &cancellation})
            .status();
  });
  server_.AwaitStalled(1);
  cancellation.Cancel();
  caller.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  server_.Release();
  EXPECT_TRUE(stream->Act(Request(*other, 0, 0.1f)).ok());
}

TEST_F(ControlStreamTest, ClosingCancelsOutstandingRequests) {
  const auto session = Open();
  auto stream = client_->OpenControlStream();
  server_.Stall();
  absl::Status status;
  stream->Send(Request(*session, 0, 0.1f),
               [&](ControlStream::Answer answer) { status = answer.status(); });
  server_.AwaitStalled(1);
  stream->Close();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(stream->broken());
  stream.reset();
  server_.AwaitCancelled(1);
}

}  // namespace
}  // namespace foresight

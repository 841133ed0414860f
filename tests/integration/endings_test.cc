// After decisions end in any way, the server is as before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <map>
#include <thread>
#include <tuple>

#include "absl/time/clock.h"
#include "tests/integration/served_test.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

enum class Rpc { kAct, kControl };
enum class Ending {
  kCancelled,
  kDeadline,
  kEngineError,
  kClientKilled,
  kServerStopped,
};

struct Answer {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason;
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;  // Set unless it is an error.
};
using Answers = std::map<std::string, Answer>;  // By session.

// Asks for decisions of several sessions at once.
class Client {
 public:
  virtual ~Client() = default;
  virtual void Ask(const v1::ActRequest& request) = 0;
  virtual void Cancel() = 0;
  virtual Answers Await() = 0;
};

class CallingClient : public Client {
 public:
  CallingClient(v1::Adaptation::Stub* stub, absl::Duration patience)
      : stub_(stub), patience_(patience) {}

  void Ask(const v1::ActRequest& request) override {
    Call& call = calls_[request.session_id()];
    call.context.set_deadline(absl::ToChronoTime(absl::Now() + patience_));
    call.answer = std::async(std::launch::async, [this, &call, request] {
      v1::ActResponse response;
      const auto status = stub_->Act(&call.context, request, &response);
      return Answer{status.error_code(), Seen(status).reason,
                    response.report().outcome()};
    });
  }
  void Cancel() override {
    for (auto& [id, call] : calls_) call.context.TryCancel();
  }
  Answers Await() override {
    Answers answers;
    for (auto& [id, call] : calls_) answers[id] = call.answer.get();
    return answers;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    std::future<Answer> answer;
  };
  v1::Adaptation::Stub* const stub_;
  const absl::Duration patience_;
  std::map<std::string, Call> calls_;
};

class StreamingClient : public Client {
 public:
  StreamingClient(v1::Adaptation::Stub* stub, absl::Duration patience) {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + patience));
    stream_ = stub->Control(&context_);
  }

  void Ask(const v1::ActRequest& request) override {
    EXPECT_TRUE(stream_->Write(request));
    asked_.push_back(request.session_id());
  }
  void Cancel() override { context_.TryCancel(); }
  Answers Await() override {
    stream_->WritesDone();
    Answers answers;
    for (v1::ControlResponse read; stream_->Read(&read);) {
      answers[read.session_id()] = {
          static_cast<grpc::StatusCode>(read.error().code()),
          read.error().reason(), read.response().report().outcome()};
    }
    const grpc::Status end = stream_->Finish();
    for (const std::string& id : asked_) {
      answers.try_emplace(id, Answer{end.error_code(), Seen(end).reason});
    }
    return answers;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::ActRequest, v1::ControlResponse>>
      stream_;
  std::vector<std::string> asked_;
};

class EndingsTest
    : public ServedTest,
      public ::testing::WithParamInterface<std::tuple<Rpc, Ending>> {
 protected:
  const Rpc rpc_ = std::get<0>(GetParam());
  const Ending ending_ = std::get<1>(GetParam());
  const std::vector<std::string> ids_ = {"first", "second", "queued"};

  void StartAndOpen() {
    // Decisions may take any time, unless the deadline should end them.
    options_.requests.max_decision_time = kPatience;
    options_.drain_timeout = absl::Milliseconds(50);
    options_.decisions.answer_margin = absl::Seconds(1);  // Or a tenth if less.
    StartServer();
    alive_before_ = engine_->alive();
    steps_before_ = engine_->steps();
    step_calls_before_ = engine_->step_calls();
    for (const std::string& id : ids_) Open(id, /*steps=*/1000);
    engine_->Hold();
  }

  // Two decisions run, on two lanes, and the third one waits.
  void AskForDecisions() {
    const absl::Duration patience =
        ending_ == Ending::kDeadline ? absl::Seconds(2) : kPatience;
    if (rpc_ == Rpc::kAct) {
      client_ = std::make_unique<CallingClient>(stub_.get(), patience);
    } else {
      client_ = std::make_unique<StreamingClient>(stub_.get(), patience);
    }
    for (int i = 0; i < 3; ++i) {
      client_->Ask(Request(ids_[i], 0.5f));
      if (i < 2) AwaitSteps(i + 1);
    }
    ASSERT_TRUE(AwaitMetric("foresight_decisions_in_flight", 3));
  }

  // Asks from another process, over its own connection.
  void HaveDecisionsAskedFor() {
    std::vector<std::string> command = {
        std::string(FORESIGHT_BUILD_DIR) + "/bin/endless_client",
        rpc_ == Rpc::kAct ? "act" : "control", server_->address()};
    command.insert(command.end(), ids_.begin(), ids_.end());
    process_ = std::make_unique<RunningCommand>(command);
    AwaitSteps(2);
    ASSERT_TRUE(AwaitMetric("foresight_decisions_in_flight", 3));
  }

  void AwaitSteps(int count) {
    ASSERT_TRUE(engine_->AwaitRunning(count));
    while (engine_->step_calls() < step_calls_before_ + count) {
      std::this_thread::yield();
    }
  }

  void ExpectError(const Answer& answer, grpc::StatusCode code,
                   const std::string& reason) {
    EXPECT_EQ(answer.code, code);
    EXPECT_EQ(answer.reason, reason);
  }

  void EndAndExpectAnswers() {
    switch (ending_) {
      case Ending::kCancelled:
        client_->Cancel();
        for (const auto& [id, answer] : client_->Await()) {
          EXPECT_EQ(answer.code, grpc::StatusCode::CANCELLED) << id;
        }
        break;
      case Ending::kDeadline:
        for (const auto& [id, answer] : client_->Await()) {
          // On a very busy machine the answer may not reach the client in time.
          if (answer.code == grpc::StatusCode::DEADLINE_EXCEEDED) continue;
          EXPECT_EQ(answer.code, grpc::StatusCode::OK) << id;
          EXPECT_EQ(answer.outcome, v1::FROZEN) << id;
        }
        break;
      case Ending::kEngineError:
        engine_->Fail(absl::InternalError("out of order"));
        for (const auto& [id, answer] : client_->Await()) {
          ExpectError(answer, grpc::StatusCode::INTERNAL, "INTERNAL");
        }
        engine_->Fail(absl::OkStatus());
        break;
      case Ending::kClientKilled:
        process_->Signal(SIGKILL);
        EXPECT_EQ(process_->Wait().exit_code, 128 + SIGKILL);
        break;
      case Ending::kServerStopped:
        server_->Shutdown();
        Answers answers = client_->Await();
        ExpectError(answers["first"], grpc::StatusCode::UNAVAILABLE,
                    "DRAINING");
        ExpectError(answers["second"], grpc::StatusCode::UNAVAILABLE,
                    "DRAINING");
        EXPECT_EQ(answers["queued"].outcome, v1::FROZEN);
        break;
    }
  }

  void ExpectNothingLeft() {
    // The engine is still held, so the decisions gave up in the middle.
    EXPECT_TRUE(engine_->AwaitRunning(0));
    EXPECT_EQ(engine_->steps(), steps_before_);
    for (const char* metric :
         {"foresight_decisions_in_flight", "foresight_queued_decisions",
          "foresight_control_streams"}) {
      EXPECT_TRUE(AwaitMetric(metric, 0)) << metric;
    }
    EXPECT_TRUE(AwaitMetric("foresight_sessions", 3));
  }

  // Checks that the sessions' policies have not changed.
  void ExpectSessionsUsable() {
    engine_->Release();
    for (const std::string& id : ids_) {
      v1::ActResponse response;
      const grpc::Status status = Act(Request(id, 0.25f), &response);
      ASSERT_TRUE(status.ok()) << status.error_message();
      const uint64_t index = response.decision_index();
      EXPECT_LE(index, ending_ == Ending::kDeadline ? 1u : 0u);
      EXPECT_EQ(response.action(0), FakeEngine::Action(0.25f, 1000, 7, index));
    }
  }

  std::unique_ptr<Client> client_;
  std::unique_ptr<RunningCommand> process_;
  int alive_before_ = 0;
  int steps_before_ = 0;
  int step_calls_before_ = 0;
};

TEST_P(EndingsTest, EveryEndingFreesItsResources) {
  StartAndOpen();
  if (ending_ == Ending::kClientKilled) {
    HaveDecisionsAskedFor();
  } else {
    AskForDecisions();
  }
  ASSERT_FALSE(HasFailure());
  EndAndExpectAnswers();
  if (ending_ == Ending::kServerStopped) {
    server_.reset();
  } else {
    ExpectNothingLeft();
    ExpectSessionsUsable();
    for (const std::string& id : ids_) EXPECT_TRUE(Close(id).ok());
    EXPECT_TRUE(AwaitMetric("foresight_sessions", 0));
  }
  EXPECT_TRUE(engine_->AwaitRunning(0));
  EXPECT_EQ(engine_->alive(), alive_before_);
}

std::string Name(const ::testing::TestParamInfo<EndingsTest::ParamType>& info) {
  const auto [rpc, ending] = info.param;
  static constexpr const char* kEndings[] = {
      "Cancelled", "Deadline", "EngineError", "ClientKilled", "ServerStopped"};
  return std::string(rpc == Rpc::kAct ? "Act" : "Control") +
         kEndings[static_cast<int>(ending)];
}

INSTANTIATE_TEST_SUITE_P(
    All, EndingsTest,
    ::testing::Combine(::testing::Values(Rpc::kAct, Rpc::kControl),
                       ::testing::Values(Ending::kCancelled, Ending::kDeadline,
                                         Ending::kEngineError,
                                         Ending::kClientKilled,
                                         Ending::kServerStopped)),
    Name);

}  // namespace
}  // namespace foresight

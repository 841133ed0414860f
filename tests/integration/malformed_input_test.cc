// A client that sends malformed input is told what is wrong, and its session
// then answers the next good request.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "server/decisions/durations.h"
#include "tests/integration/served_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class MalformedInputTest : public ServedTest,
                           public ::testing::WithParamInterface<const char*> {
 protected:
  // The expected error; `got` and `expected` are parts of its message.
  struct Wanted {
    grpc::StatusCode code;
    std::string reason;
    std::string got;
    std::string expected;
  };

  void ExpectError(const grpc::Status& status, const Wanted& wanted,
                   const std::string& what) {
    SCOPED_TRACE(what);
    const SeenError seen = Seen(status);
    EXPECT_EQ(seen.code, wanted.code) << seen.message;
    EXPECT_EQ(seen.reason, wanted.reason);
    EXPECT_EQ(seen.domain, "foresight");
    EXPECT_THAT(seen.message, HasSubstr(wanted.got));
    EXPECT_THAT(seen.message, HasSubstr(wanted.expected));
  }
};

struct WrongDecision {
  const char* what;
  std::function<void(v1::ActRequest&)> spoil;
  grpc::StatusCode code;
  const char* reason;
  const char* got;
  const char* expected;
};

// Each spoils a good request for decision 2 of a session with S = 3.
const std::vector<WrongDecision>& WrongDecisions() {
  using Code = grpc::StatusCode;
  constexpr auto kInvalid = Code::INVALID_ARGUMENT;
  static const auto* rows = new std::vector<WrongDecision>{
      {"empty observation", [](auto& r) { r.clear_observation(); }, kInvalid,
       "OBSERVATION_INVALID", "observation has 0 values", "expected 3"},
      {"short observation",
       [](auto& r) { r.mutable_observation()->RemoveLast(); }, kInvalid,
       "OBSERVATION_INVALID", "observation has 2 values", "expected 3"},
      {"long observation", [](auto& r) { r.add_observation(1); }, kInvalid,
       "OBSERVATION_INVALID", "observation has 4 values", "expected 3"},
      {"very long observation",
       [](auto& r) { r.mutable_observation()->Resize(100000, 1); }, kInvalid,
       "OBSERVATION_INVALID", "observation has 100000 values", "expected 3"},
      {"NaN", [](auto& r) { r.set_observation(1, kNan); }, kInvalid,
       "OBSERVATION_INVALID", "observation[1] is nan", "finite"},
      {"infinity", [](auto& r) { r.set_observation(2, kInfinity); }, kInvalid,
       "OBSERVATION_INVALID", "observation[2] is inf", "finite"},
      {"negative infinity", [](auto& r) { r.set_observation(0, -kInfinity); },
       kInvalid, "OBSERVATION_INVALID", "observation[0] is -inf", "finite"},
      {"huge observation",
       [](auto& r) {
         for (auto& value : *r.mutable_observation()) value = 3e38f;
       },
       kInvalid, "OBSERVATION_INVALID", "", "finite"},
      {"unknown session", [](auto& r) { r.set_session_id("nobody"); },
       Code::NOT_FOUND, "SESSION_UNKNOWN", "\"nobody\"", "not open"},
      {"closed session", [](auto& r) { r.set_session_id("closed"); },
       Code::NOT_FOUND, "SESSION_UNKNOWN", "\"closed\"", "not open"},
      {"session id of 100 kB",
       [](auto& r) { r.set_session_id(std::string(100000, 'x')); },
       Code::INVALID_ARGUMENT, "SETTINGS_INVALID", "has 100000 bytes",
       "expected at most 128"},
      {"index skipped", [](auto& r) { r.set_decision_index(3); },
       Code::FAILED_PRECONDITION, "DECISION_SKIPPED", "is 3", "expected 2"},
      {"greatest index", [](auto& r) { r.set_decision_index(~uint64_t{0}); },
       Code::FAILED_PRECONDITION, "DECISION_SKIPPED", "is 18446744073709551615",
       "expected 2"},
      {"last index with another observation",
       [](auto& r) { r.set_decision_index(1); }, Code::FAILED_PRECONDITION,
       "DECISION_CHANGED", "decision 1", "expected the same one"},
      {"older index", [](auto& r) { r.set_decision_index(0); },
       Code::FAILED_PRECONDITION, "DECISION_CHANGED", "is 0", "expected 2"},
      {"negative budget",
       [](auto& r) { r.mutable_budget()->set_nanos(-1000000); }, kInvalid,
       "SETTINGS_INVALID", "budget is -1ms", "expected zero or more"},
      {"budget of two signs",
       [](auto& r) {
         r.mutable_budget()->set_seconds(1);
         r.mutable_budget()->set_nanos(-1);
       },
       kInvalid, "SETTINGS_INVALID", "seconds 1 and nanos -1",
       "expected a valid google.protobuf.Duration"},
      {"budget of too many nanoseconds",
       [](auto& r) { r.mutable_budget()->set_nanos(2000000000); }, kInvalid,
       "SETTINGS_INVALID", "nanos 2000000000",
       "expected a valid google.protobuf.Duration"},
      {"model beside a session", [](auto& r) { r.set_model("random"); },
       kInvalid, "SETTINGS_INVALID", "model", "expected only in a stateless"},
      {"settings beside a session",
       [](auto& r) { r.mutable_settings()->set_steps(1); }, kInvalid,
       "SETTINGS_INVALID", "settings", "expected only in a stateless"},
      {"seed beside a session", [](auto& r) { r.set_seed(1); }, kInvalid,
       "SETTINGS_INVALID", "seed", "expected only in a stateless"},
      {"stateless with an unknown model",
       [](auto& r) {
         r.clear_session_id();
         r.set_model("none");
       },
       Code::NOT_FOUND, "MODEL_UNKNOWN", "\"none\"", "expected one of"},
      {"stateless with wrong settings",
       [](auto& r) {
         r.clear_session_id();
         r.mutable_settings()->set_horizon(65);
       },
       kInvalid, "SETTINGS_INVALID", "65", "1..64"},
      {"stateless with a short observation",
       [](auto& r) {
         r.clear_session_id();
         r.mutable_observation()->RemoveLast();
       },
       kInvalid, "OBSERVATION_INVALID", "has 2 values", "expected 3"},
      {"stateless with NaN",
       [](auto& r) {
         r.clear_session_id();
         r.set_observation(0, kNan);
       },
       kInvalid, "OBSERVATION_INVALID", "observation[0] is nan", "finite"},
  };
  return *rows;
}

TEST_P(MalformedInputTest, AWrongDecisionIsExplainedAndLeavesTheSession) {
  StartServer(GetParam());
  Open("closed");
  ASSERT_TRUE(Close("closed").ok());
  // The twin session never gets a wrong request.
  for (const char* id : {"session", "twin"}) {
    Open(id);
    for (const float value : {0.1f, 0.2f}) MustAct(Request(id, value));
  }
  for (const WrongDecision& row : WrongDecisions()) {
    v1::ActRequest request = Request("session", 0.3f, 2);
    row.spoil(request);
    ExpectError(Act(request), {row.code, row.reason, row.got, row.expected},
                row.what);
  }
  EXPECT_EQ(MustAct(Request("session", 0.3f, 2)),
            MustAct(Request("twin", 0.3f, 2)));
}

TEST_P(MalformedInputTest, OnAStreamTheErrorAnswersItsRequest) {
  StartServer(GetParam());
  Open("closed");
  ASSERT_TRUE(Close("closed").ok());
  for (const char* id : {"session", "twin"}) {
    Open(id);
    for (const float value : {0.1f, 0.2f}) MustAct(Request(id, value));
  }
  const auto context = Patient();
  const auto stream = stub_->Control(context.get());
  v1::ControlResponse answer;
  for (const WrongDecision& row : WrongDecisions()) {
    SCOPED_TRACE(row.what);
    v1::ActRequest request = Request("session", 0.3f, 2);
    row.spoil(request);
    ASSERT_TRUE(stream->Write(request));
    ASSERT_TRUE(stream->Read(&answer));
    EXPECT_EQ(answer.session_id(), request.session_id().substr(0, 128));
    EXPECT_EQ(answer.decision_index(), request.decision_index());
    EXPECT_EQ(answer.error().code(), row.code);
    EXPECT_EQ(answer.error().reason(), row.reason);
    EXPECT_THAT(answer.error().message(), HasSubstr(row.got));
    EXPECT_THAT(answer.error().message(), HasSubstr(row.expected));
  }
  ASSERT_TRUE(stream->Write(Request("session", 0.3f, 2)));
  ASSERT_TRUE(stream->Read(&answer));
  const auto& action = answer.response().action();
  EXPECT_EQ(std::vector<float>(action.begin(), action.end()),
            MustAct(Request("twin", 0.3f, 2)));
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&answer));
  EXPECT_TRUE(stream->Finish().ok());
}

struct WrongSession {
  const char* what;
  std::function<void(v1::OpenSessionRequest&)> spoil;
  grpc::StatusCode code;
  const char* reason;
  const char* got;
  const char* expected;
};

const std::vector<WrongSession>& WrongSessions() {
  using Code = grpc::StatusCode;
  constexpr auto kInvalid = Code::INVALID_ARGUMENT;
  constexpr auto kReason = "SETTINGS_INVALID";
  static const auto* rows = new std::vector<WrongSession>{
      {"unknown model", [](auto& r) { r.set_model("none"); }, Code::NOT_FOUND,
       "MODEL_UNKNOWN", "\"none\"", "expected one of \"random\""},
      {"zero particles",
       [](auto& r) { r.mutable_settings()->set_particles(0); }, kInvalid,
       kReason, "particles is 0", "1..65536"},
      {"a million particles",
       [](auto& r) { r.mutable_settings()->set_particles(1000000); }, kInvalid,
       kReason, "particles is 1000000", "1..65536"},
      {"zero horizon", [](auto& r) { r.mutable_settings()->set_horizon(0); },
       kInvalid, kReason, "horizon is 0", "1..64"},
      {"horizon of 65", [](auto& r) { r.mutable_settings()->set_horizon(65); },
       kInvalid, kReason, "horizon is 65", "1..64"},
      {"1001 steps", [](auto& r) { r.mutable_settings()->set_steps(1001); },
       kInvalid, kReason, "steps is 1001", "0..1000"},
      {"negative step size",
       [](auto& r) { r.mutable_settings()->set_step_size(-1e-3f); }, kInvalid,
       kReason, "step_size is -0.001", ">= 0"},
      {"step size NaN",
       [](auto& r) { r.mutable_settings()->set_step_size(kNan); }, kInvalid,
       kReason, "step_size is nan", ">= 0"},
      {"discount of zero",
       [](auto& r) { r.mutable_settings()->set_discount(0); }, kInvalid,
       kReason, "discount is 0", "(0, 1]"},
      {"discount above one",
       [](auto& r) { r.mutable_settings()->set_discount(1.5f); }, kInvalid,
       kReason, "discount is 1.5", "(0, 1]"},
      {"negative drift limit",
       [](auto& r) { r.mutable_settings()->set_max_drift(-1); }, kInvalid,
       kReason, "max_drift is -1", ">= 0"},
      {"infinite gradient limit",
       [](auto& r) { r.mutable_settings()->set_max_gradient_norm(kInfinity); },
       kInvalid, kReason, "max_gradient_norm is inf", ">= 0"},
      {"noise scale above two",
       [](auto& r) { r.mutable_settings()->set_noise_scale(2.5f); }, kInvalid,
       kReason, "noise_scale is 2.5", "0..2"},
      {"other sampler steps than the diffusion's",
       [](auto& r) { r.mutable_settings()->set_sampler_steps(4); }, kInvalid,
       kReason, "sampler_steps is 4", "3"},
      {"unknown mode",
       [](auto& r) {
         r.mutable_settings()->set_mode(static_cast<v1::Mode>(9));
       },
       kInvalid, kReason, "mode is 9", "expected"},
      {"idle timeout of zero", [](auto& r) { r.mutable_idle_timeout(); },
       kInvalid, kReason, "idle_timeout is 0", "expected more than zero"},
      {"negative idle timeout",
       [](auto& r) { r.mutable_idle_timeout()->set_seconds(-1); }, kInvalid,
       kReason, "idle_timeout is -1s", "expected more than zero"},
      {"long id", [](auto& r) { r.set_session_id(std::string(129, 'x')); },
       kInvalid, kReason, "session_id has 129 bytes", "expected 1 to 128"},
      {"control character in the id", [](auto& r) { r.set_session_id("a\nb"); },
       kInvalid, kReason, "byte 0x0a at 1", "expected printable ASCII"},
      {"letters beyond ASCII in the id",
       [](auto& r) { r.set_session_id("\xc3\xa4"); }, kInvalid, kReason,
       "byte 0xc3 at 0", "expected printable ASCII"},
      {"id in use", [](auto& r) { r.set_session_id("session"); },
       Code::ALREADY_EXISTS, "SESSION_EXISTS", "\"session\" is open",
       "expected a new id"},
  };
  return *rows;
}

TEST_P(MalformedInputTest, AWrongSessionIsExplainedAndNotOpened) {
  StartServer(GetParam());
  Open("session");
  MustAct(Request("session", 0.1f));
  for (const WrongSession& row : WrongSessions()) {
    v1::OpenSessionRequest request;
    row.spoil(request);
    ExpectError(Open(request), {row.code, row.reason, row.got, row.expected},
                row.what);
  }
  EXPECT_TRUE(AwaitMetric("foresight_sessions", 1));
  MustAct(Request("session", 0.2f, 1));
}

TEST_P(MalformedInputTest, OtherMethodsNameUnknownArguments) {
  StartServer(GetParam());
  const Wanted unknown = {grpc::StatusCode::NOT_FOUND, "SESSION_UNKNOWN",
                          "\"nobody\"", "not open"};
  ExpectError(Reset("nobody"), unknown, "reset");
  ExpectError(Close("nobody"), unknown, "close");
  ExpectError(Close(""),
              {grpc::StatusCode::NOT_FOUND, "SESSION_UNKNOWN",
               "no session is named", "expected"},
              "close without id");
  v1::GetModelRequest request;
  request.set_name("none");
  v1::Model model;
  ExpectError(stub_->GetModel(Patient().get(), request, &model),
              {grpc::StatusCode::NOT_FOUND, "MODEL_UNKNOWN", "\"none\"",
               "expected one of \"random\""},
              "model");
}

TEST_P(MalformedInputTest, AMessageBeyondTheLimitIsRefused) {
  options_.streams.max_message_bytes = 4096;
  StartServer(GetParam());
  Open("session");
  v1::ActRequest request = Request("session", 0.1f);
  request.mutable_observation()->Resize(2000, 1);
  EXPECT_EQ(Act(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  MustAct(Request("session", 0.1f, 0));
}

INSTANTIATE_TEST_SUITE_P(Engines, MalformedInputTest,
                         ::testing::Values("fake", "autograd", "fused"),
                         [](const auto& param) {
                           return std::string(param.param);
                         });

}  // namespace
}  // namespace foresight

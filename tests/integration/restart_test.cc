// Sessions survive the end of foresight-server, orderly or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/integration/program_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

std::string ReasonOf(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) detail.UnpackTo(&info);
  return info.reason();
}

class RestartTest : public ProgramTest {
 protected:
  void StartKeeping(const std::string& durability,
                    std::vector<std::string> more = {}) {
    std::vector<std::string> options =
        Serving({"--model", Path("random"), "--state-dir", Path("state"),
                 "--durability", durability, "--durability-interval", "20ms"});
    options.insert(options.end(), more.begin(), more.end());
    Start(options);
  }
  CommandResult End(int signal) {
    server_->Signal(signal);
    return server_->Wait();
  }

  void OpenLoop(const std::string& id) {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    request.set_seed(7);
    request.mutable_settings()->set_steps(2);
    request.mutable_settings()->set_step_size(0.01f);
    v1::Session session;
    const auto opened = stub_->OpenSession(Patient().get(), request, &session);
    ASSERT_TRUE(opened.ok()) << opened.error_message();
  }
  static v1::ActRequest Observed(const std::string& id, uint64_t decision) {
    v1::ActRequest request;
    request.set_session_id(id);
    request.set_decision_index(decision);
    for (int i = 0; i < kObservationSize; ++i) {
      request.add_observation(0.1f * static_cast<float>(decision % 7 + i));
    }
    return request;
  }
  grpc::Status Decide(const std::string& id, uint64_t decision,
                      v1::ActResponse* response) {
    return stub_->Act(Patient().get(), Observed(id, decision), response);
  }
  // Returns the answer; the test fails if there is none.
  v1::ActResponse MustDecide(const std::string& id, uint64_t decision) {
    v1::ActResponse response;
    const grpc::Status status = Decide(id, decision, &response);
    EXPECT_TRUE(status.ok()) << decision << ": " << status.error_message();
    return response;
  }
  static std::vector<float> ActionOf(const v1::ActResponse& response) {
    return {response.action().begin(), response.action().end()};
  }

  // The actions of an undisturbed loop.
  std::vector<std::vector<float>> Undisturbed(int decisions) {
    Start(Serving({"--model", Path("random")}));
    OpenLoop("a");
    std::vector<std::vector<float>> actions;
    for (int n = 0; n < decisions; ++n) {
      actions.push_back(ActionOf(MustDecide("a", n)));
    }
    EXPECT_EQ(End(SIGTERM).exit_code, 0);
    return actions;
  }
};

TEST_F(RestartTest, AnOrderlyEndLosesNothing) {
  constexpr int kBefore = 5, kAfter = 4;
  const auto expected = Undisturbed(kBefore + kAfter);
  for (const std::string durability : {"none", "interval", "each"}) {
    std::filesystem::remove_all(Path("state"));
    StartKeeping(durability);
    for (int loop = 0; loop < 16; ++loop) {
      const std::string id = absl::StrCat("loop-", loop);
      OpenLoop(id);
      for (int n = 0; n < kBefore; ++n) MustDecide(id, n);
    }
    EXPECT_EQ(End(SIGTERM).exit_code, 0);
    StartKeeping(durability);
    for (int loop = 0; loop < 16; ++loop) {
      const std::string id = absl::StrCat("loop-", loop);
      for (int n = kBefore; n < kBefore + kAfter; ++n) {
        const v1::ActResponse answer = MustDecide(id, n);
        EXPECT_EQ(ActionOf(answer), expected[n]) << durability << " " << n;
        EXPECT_EQ(answer.report().has_resumed_from(), n == kBefore);
        EXPECT_EQ(answer.epoch(), 2u);
      }
    }
    EXPECT_EQ(End(SIGTERM).exit_code, 0);
  }
}

TEST_F(RestartTest, SessionsOfSeveralClientsWithoutIdentityAllComeBack) {
  const std::vector<std::string> limit = {"--max-owner-sessions", "1"};
  StartKeeping("each", limit);
  OpenLoop("a");
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = v1::Adaptation::NewStub(grpc::CreateCustomChannel(
      address_, grpc::InsecureChannelCredentials(), arguments));
  OpenLoop("b");  // Through another connection: another owner.
  EXPECT_EQ(End(SIGTERM).exit_code, 0);
  StartKeeping("each", limit);
  for (const std::string id : {"a", "b"}) {
    EXPECT_EQ(MustDecide(id, 0).epoch(), 2u) << id;
  }
}

TEST_F(RestartTest, WithEachAKillLosesNoAnsweredDecision) {
  constexpr int kDecisions = 12;
  const auto expected = Undisturbed(kDecisions);
  // Some replays start at the session's beginning, some at a later state.
  const std::vector<std::string> limit = {"--replay-limit", "5"};
  StartKeeping("each", limit);
  OpenLoop("a");
  for (int n = 0; n < kDecisions; ++n) {
    const v1::ActResponse answer = MustDecide("a", n);
    EXPECT_EQ(ActionOf(answer), expected[n]) << n;
    End(SIGKILL);
    StartKeeping("each", limit);
    // A client that missed the answer asks again.
    EXPECT_EQ(ActionOf(MustDecide("a", n)), expected[n]) << n;
  }
}

TEST_F(RestartTest, AKillLosesTheLastIntervalAtMost) {
  constexpr int kDecisions = 30;
  const auto expected = Undisturbed(kDecisions);
  StartKeeping("interval");
  OpenLoop("a");
  for (int n = 0; n < 20; ++n) MustDecide("a", n);
  absl::SleepFor(absl::Milliseconds(500));  // 25 intervals.
  for (int n = 20; n < kDecisions - 1; ++n) MustDecide("a", n);
  End(SIGKILL);
  StartKeeping("interval");
  // The server tells a client that is ahead where the session is.
  v1::ActResponse response;
  const grpc::Status ahead = Decide("a", kDecisions, &response);
  EXPECT_EQ(ReasonOf(ahead), "DECISION_SKIPPED");
  std::vector<std::string> words =
      absl::StrSplit(ahead.error_message(), "expected ");
  const uint64_t next = std::stoul(words.back());
  EXPECT_GE(next, 20u);
  response = MustDecide("a", next);
  EXPECT_EQ(response.report().resumed_from(), next);
  EXPECT_EQ(ActionOf(response), expected[next]);
}

TEST_F(RestartTest, AfterAKillWithoutDurabilityTheSessionIsUnknown) {
  StartKeeping("none");
  OpenLoop("a");
  MustDecide("a", 0);
  EXPECT_EQ(End(SIGTERM).exit_code, 0);
  StartKeeping("none");
  MustDecide("a", 1);
  End(SIGKILL);
  StartKeeping("none");
  v1::ActResponse response;
  EXPECT_EQ(ReasonOf(Decide("a", 2, &response)), "SESSION_UNKNOWN");
}

TEST_F(RestartTest, AClosedSessionStaysClosedAndAResetOneIsReset) {
  StartKeeping("each");
  OpenLoop("closed");
  MustDecide("closed", 0);
  OpenLoop("reset");
  MustDecide("reset", 0);
  const auto first = ActionOf(MustDecide("reset", 1));
  v1::CloseSessionRequest close;
  close.set_session_id("closed");
  v1::CloseSessionResponse closed;
  ASSERT_TRUE(stub_->CloseSession(Patient().get(), close, &closed).ok());
  v1::ResetSessionRequest reset;
  reset.set_session_id("reset");
  v1::Session session;
  ASSERT_TRUE(stub_->ResetSession(Patient().get(), reset, &session).ok());
  End(SIGKILL);
  StartKeeping("each");
  v1::ActResponse response;
  EXPECT_EQ(ReasonOf(Decide("closed", 1, &response)), "SESSION_UNKNOWN");
  MustDecide("reset", 0);
  EXPECT_EQ(ActionOf(MustDecide("reset", 1)), first);
}

TEST_F(RestartTest, AnOrderlyEndKeepsWhatAFullDiskRefused) {
  signal(SIGXFSZ, SIG_IGN);  // The server inherits this and gets EFBIG.
  StartKeeping("each");
  for (const std::string id : {"a", "b"}) {
    OpenLoop(id);
    EXPECT_FALSE(MustDecide(id, 0).report().not_kept());
  }
  const auto set_full = [this](bool full) {
    const rlimit limit = {full ? 0 : RLIM_INFINITY, RLIM_INFINITY};
    ASSERT_EQ(prlimit(server_->id(), RLIMIT_FSIZE, &limit, nullptr), 0);
  };
  set_full(true);
  EXPECT_TRUE(MustDecide("a", 1).report().not_kept());
  set_full(false);
  uint64_t next = 1;
  while (MustDecide("b", next++).report().not_kept()) {
    ASSERT_LT(next, 1000u);
    absl::SleepFor(absl::Milliseconds(30));
  }
  EXPECT_EQ(End(SIGTERM).exit_code, 0);
  StartKeeping("each");
  EXPECT_EQ(MustDecide("a", 2).report().resumed_from(), 2u);
  EXPECT_EQ(MustDecide("b", next).report().resumed_from(), next);
}

TEST_F(RestartTest, TwoServersDoNotShareAFolder) {
  StartKeeping("interval");
  const CommandResult second = RunCommand(Command(
      Serving({"--model", Path("random"), "--state-dir", Path("state")})));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.errors,
              HasSubstr(Path("state") + ": another server keeps its state"));
  EXPECT_EQ(End(SIGTERM).exit_code, 0);
}

TEST_F(RestartTest, ADamagedFileIsSetAsideAndTheServerStarts) {
  StartKeeping("each");
  OpenLoop("a");
  MustDecide("a", 0);
  End(SIGKILL);
  std::filesystem::remove(Path("state/sessions.db-wal"));
  std::ofstream(Path("state/sessions.db")) << "not a database";
  StartKeeping("each");
  v1::ActResponse response;
  EXPECT_EQ(ReasonOf(Decide("a", 1, &response)), "SESSION_UNKNOWN");
  OpenLoop("b");
  MustDecide("b", 0);
  EXPECT_THAT(End(SIGTERM).errors, HasSubstr("state damaged"));
  EXPECT_TRUE(std::filesystem::exists(Path("state/sessions.db.damaged-1")));
}

TEST_F(RestartTest, StateOfOtherWeightsIsSetAside) {
  StartKeeping("each");
  OpenLoop("a");
  MustDecide("a", 0);
  EXPECT_EQ(End(SIGTERM).exit_code, 0);
  RandomBundleOptions other;
  other.name = "random";
  other.observation_size = kObservationSize;
  other.seed = 99;
  std::filesystem::remove_all(Path("random"));
  ASSERT_TRUE(RandomBundle(other).Save(Path("random")).ok());
  StartKeeping("each");
  v1::ActResponse response;
  EXPECT_EQ(ReasonOf(Decide("a", 1, &response)), "SESSION_UNKNOWN");
  EXPECT_THAT(End(SIGTERM).errors, HasSubstr("state set aside"));
}

}  // namespace
}  // namespace foresight

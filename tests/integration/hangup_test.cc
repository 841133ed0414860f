// SIGHUP makes foresight-server load its models again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/program_test.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class HangupTest : public ProgramTest {
 protected:
  void StartKeeping() {
    Start(Serving({"--model", Path("random"), "--state-dir", Path("state"),
                   "--durability", "each"}));
  }
  // Writes other weights into the folder that the server was given.
  void Replace(uint64_t seed) {
    RandomBundleOptions bundle;
    bundle.observation_size = kObservationSize;
    bundle.seed = seed;
    ASSERT_TRUE(RandomBundle(bundle).Save(Path("random")).ok());
  }
  std::string ServedWeights() {
    v1::Model model;
    EXPECT_TRUE(stub_->GetModel(Patient().get(), {}, &model).ok());
    return model.weights_sha256();
  }
  // Waits until the server has other weights than `old`.
  std::string AwaitOther(const std::string& old) {
    const absl::Time give_up = absl::Now() + kPatience;
    std::string now = old;
    while (now == old && absl::Now() < give_up) {
      absl::SleepFor(absl::Milliseconds(5));
      now = ServedWeights();
    }
    EXPECT_NE(now, old);
    return now;
  }
  void OpenLoop(const std::string& id) {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    v1::Session session;
    const auto status = stub_->OpenSession(Patient().get(), request, &session);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  grpc::Status Decide(const std::string& id, uint64_t decision) {
    v1::ActRequest request = Request(id);
    request.set_decision_index(decision);
    v1::ActResponse response;
    return stub_->Act(Patient().get(), request, &response);
  }
};

TEST_F(HangupTest, TheFoldersOfTheCommandLineAreLoadedAgain) {
  Start(Serving({"--model", Path("random")}));
  const std::string first = ServedWeights();
  OpenLoop("a");
  ASSERT_TRUE(Decide("a", 0).ok());
  Replace(2);
  server_->Signal(SIGHUP);
  const std::string second = AwaitOther(first);
  EXPECT_TRUE(Decide("a", 1).ok());
  v1::ResetSessionRequest reset;
  reset.set_session_id("a");
  v1::Session session;
  ASSERT_TRUE(stub_->ResetSession(Patient().get(), reset, &session).ok());
  EXPECT_EQ(session.model().weights_sha256(), second);
  EXPECT_TRUE(Decide("a", 0).ok());
  server_->Signal(SIGTERM);
  const CommandResult end = server_->Wait();
  EXPECT_EQ(end.exit_code, 0);
  EXPECT_THAT(end.errors, HasSubstr("reloading models"));
}

// Saved sessions belong to the weights they were saved with.
TEST_F(HangupTest, AfterAKillSessionsOfTheNewWeightsGoOn) {
  StartKeeping();
  const std::string first = ServedWeights();
  for (const char* id : {"old", "reset"}) {
    OpenLoop(id);
    ASSERT_TRUE(Decide(id, 0).ok());
  }
  Replace(2);
  server_->Signal(SIGHUP);
  AwaitOther(first);
  OpenLoop("new");
  ASSERT_TRUE(Decide("new", 0).ok());
  ASSERT_TRUE(Decide("old", 1).ok());
  v1::ResetSessionRequest reset;
  reset.set_session_id("reset");
  v1::Session session;
  ASSERT_TRUE(stub_->ResetSession(Patient().get(), reset, &session).ok());
  ASSERT_TRUE(Decide("reset", 0).ok());
  server_->Signal(SIGKILL);
  server_->Wait();
  StartKeeping();
  EXPECT_TRUE(Decide("new", 1).ok());
  EXPECT_TRUE(Decide("reset", 1).ok());
  EXPECT_EQ(Decide("old", 2).error_code(), grpc::StatusCode::NOT_FOUND);
  server_->Signal(SIGTERM);
  EXPECT_THAT(server_->Wait().errors, HasSubstr("state set aside"));
}

}  // namespace
}  // namespace foresight

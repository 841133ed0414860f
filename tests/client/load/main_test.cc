// Runs foresight-load as a user does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "client/fake_adaptation_server.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr char kProgram[] = FORESIGHT_BUILD_DIR "/bin/foresight-load";

class ForesightLoadTest : public ::testing::Test {
 protected:
  ForesightLoadTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {}

  std::vector<std::string> Command(std::vector<std::string> more) const {
    std::vector<std::string> command = {
        kProgram,     "--server", server_.address(), "--sessions", "3",
        "--deadline", "10s",      "--warm-up",       "0s"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  FakeAdaptationServer server_;
  TemporaryFolder folder_;
  const std::string json_ = folder_.path() / "load.json";
};

class TransportTest : public ForesightLoadTest,
                      public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Transports, TransportTest, ::testing::Bool());

TEST_P(TransportTest, LoadsReportsAndWritesItsFile) {
  std::vector<std::string> command =
      Command({"--duration", "500ms", "--json", json_, "--steps", "2"});
  if (GetParam()) command.push_back("--stream");
  const CommandResult result = RunCommand(command);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("3 sessions at 20 Hz"));
  EXPECT_THAT(result.output, HasSubstr("1000 observations of HalfCheetah-v4"));
  EXPECT_THAT(result.errors, HasSubstr("longer than a period"));
  const auto json = nlohmann::json::parse(std::ifstream(json_));
  EXPECT_EQ(json["sessions"], 3);
  EXPECT_EQ(json["transport"], GetParam() ? "stream" : "unary");
  EXPECT_GT(json["sent"], 0);
  EXPECT_EQ(json["sent"], json["answered"]);
  EXPECT_EQ(json["steps_done_mean"], 2);
  EXPECT_EQ(server_.open_sessions(), 0);
}

// With 100 Hz and a deadline of 1 ns every answer is late, so no number of
// sessions passes on any machine.
TEST_F(ForesightLoadTest, ARampReportsItsProbes) {
  const CommandResult result =
      RunCommand({kProgram, "--server", server_.address(), "--sessions", "3",
                  "--rate", "100", "--deadline", "1ns", "--stream", "--ramp",
                  "--duration", "100ms", "--json", json_});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              HasSubstr("        3 sessions    100.000 % missed"));
  EXPECT_THAT(result.output, HasSubstr("not even 1 session"));
  const auto json = nlohmann::json::parse(std::ifstream(json_));
  EXPECT_EQ(json["largest_sessions"], 0);
  ASSERT_EQ(json["probes"].size(), 2u);
  EXPECT_EQ(json["probes"][0]["sessions"], 3);
  EXPECT_EQ(json["probes"][1]["sessions"], 1);
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(ForesightLoadTest, WrongUsageIsTwo) {
  EXPECT_EQ(RunCommand({kProgram, "--sessions", "0"}).exit_code, 2);
  EXPECT_EQ(RunCommand({kProgram, "--rate", "-5"}).exit_code, 2);
  EXPECT_EQ(RunCommand({kProgram, "--help"}).exit_code, 0);
}

TEST_F(ForesightLoadTest, AFailureExitsWithOneAndNamesItsCause) {
  EXPECT_THAT(RunCommand(Command({"--model", "x"})).errors,
              HasSubstr("the server has no model \"x\"; it has: cheetah\n"));
  const CommandResult file =
      RunCommand(Command({"--json", "/no/such/folder/x.json"}));
  EXPECT_EQ(file.exit_code, 1);
  EXPECT_THAT(file.errors, HasSubstr("cannot write /no/such/folder/x.json"));
  EXPECT_EQ(server_.opened_sessions(), 0);
  server_.Stop();
  const CommandResult none = RunCommand(Command({"--connect-timeout", "50ms"}));
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.errors, HasSubstr("is foresight-server running there"));
}

// Three sessions stall during the load, after the recording.
TEST_P(TransportTest, CtrlCClosesItsSessions) {
  std::vector<std::string> command = Command({"--duration", "1h", "--quiet"});
  if (GetParam()) command.push_back("--stream");
  RunningCommand running(command);
  while (server_.calls() < 1050) std::this_thread::yield();
  server_.Stall();
  server_.AwaitStalled(1);
  EXPECT_EQ(server_.open_sessions(), 3);
  running.Signal(SIGINT);
  const CommandResult result = running.Wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("interrupted; sessions are closed\n"));
  EXPECT_EQ(server_.open_sessions(), 0);
}

}  // namespace
}  // namespace foresight

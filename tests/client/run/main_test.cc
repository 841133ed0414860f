// Runs foresight-run as a user does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/fake_adaptation_server.h"
#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr char kProgram[] = FORESIGHT_BUILD_DIR "/bin/foresight-run";

class ForesightRunTest : public ::testing::Test {
 protected:
  ForesightRunTest()
      : server_({FakeAdaptationServer::HalfCheetahModel("cheetah")}) {}

  std::vector<std::string> Command(std::vector<std::string> more) const {
    std::vector<std::string> command = {
        kProgram,     "--server", server_.address(), "--max-steps", "20",
        "--parallel", "2"};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }

  FakeAdaptationServer server_;
};

std::string Contents(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

TEST_F(ForesightRunTest, PlaysComparesAndWritesFiles) {
  const TemporaryFolder folder;
  const std::string json_file = folder.path() / "run.json";
  const std::string csv_file = folder.path() / "run.csv";
  const CommandResult result =
      RunCommand(Command({"--episodes", "2", "--json", json_file, "--csv",
                          csv_file, "--seed", "7"}));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("difference"));
  EXPECT_THAT(result.output, HasSubstr("2 episodes, seeds 7 to 8"));

  const auto json = nlohmann::json::parse(Contents(json_file));
  EXPECT_EQ(json["model"], "cheetah");
  EXPECT_EQ(json["episodes"].size(), 2u);
  EXPECT_EQ(json["episodes"][1]["seed"], 8);
  EXPECT_EQ(json["interval"].size(), 2u);
  EXPECT_GT(json["latency_ms"]["p99"], 0);
  EXPECT_THAT(Contents(csv_file), HasSubstr("\n8,"));
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(ForesightRunTest, SweepsSettings) {
  const TemporaryFolder folder;
  const std::string file = folder.path() / "sweep.json";
  const std::string json_file = folder.path() / "result.json";
  std::ofstream(file) << R"({"grid": {"steps": [1, 2]}})";
  const CommandResult result = RunCommand(
      Command({"--episodes", "2", "--sweep", file, "--json", json_file}));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("seeds 2000 to 2001"));
  EXPECT_THAT(result.output, HasSubstr("\nbest      --steps "));
  EXPECT_EQ(nlohmann::json::parse(Contents(json_file)).size(), 2u);

  std::ofstream(file) << R"({"grid": {"stesp": [1, 2]}})";
  const CommandResult wrong = RunCommand(Command({"--sweep", file}));
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("stesp"));
  EXPECT_EQ(RunCommand(Command({"--sweep", "/no/such/file"})).exit_code, 2);
}

TEST_F(ForesightRunTest, HelpIsNotAFailure) {
  const CommandResult result = RunCommand({kProgram, "--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("--step-size"));
}

TEST_F(ForesightRunTest, WrongUsageIsTwo) {
  EXPECT_EQ(RunCommand({kProgram, "--horizon", "many"}).exit_code, 2);
  const CommandResult environment =
      RunCommand(Command({"--environment", "Hoper-v4"}));
  EXPECT_EQ(environment.exit_code, 2);
  EXPECT_THAT(environment.errors, HasSubstr("known: HalfCheetah-v4"));
}

TEST_F(ForesightRunTest, AMissingServerIsReported) {
  server_.Stop();
  const CommandResult result =
      RunCommand(Command({"--connect-timeout", "50ms"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("is foresight-server running there"));
}

TEST_F(ForesightRunTest, WrongModelIsOne) {
  const CommandResult result = RunCommand(Command({"--model", "x"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors,
            "foresight-run: the server has no model \"x\"; it has: cheetah\n");
}

TEST_F(ForesightRunTest, AFileThatCannotBeWrittenEndsItBeforeItPlays) {
  const CommandResult result =
      RunCommand(Command({"--json", "/no/such/folder/x.json"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("/no/such/folder/x.json"));
  EXPECT_EQ(server_.opened_sessions(), 0);
}

class InterruptTest : public ForesightRunTest,
                      public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Signals, InterruptTest,
                         ::testing::Values(SIGINT, SIGTERM));

TEST_P(InterruptTest, EndsItAndClosesItsSessions) {
  server_.Stall();
  RunningCommand command(Command({}));
  server_.AwaitStalled(2);
  EXPECT_EQ(server_.open_sessions(), 2);
  command.Signal(GetParam());
  const CommandResult result = command.Wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.errors, "foresight-run: interrupted; sessions are closed\n");
  EXPECT_EQ(server_.open_sessions(), 0);
}

}  // namespace
}  // namespace foresight

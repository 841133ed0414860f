// Runs foresight-run against a real server with real models and real physics.
#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "client/environments/environment.h"
#include "foresight/adaptation_client.h"
#include "models/bundle/bundle.h"
#include "tests/integration/served_test.h"
#include "tests/support/plain_networks.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

constexpr char kBundle[] =
    FORESIGHT_SOURCE_DIR "/tests/data/reference-halfcheetah";
constexpr int kSteps = 20;

class RunTest : public ServedTest,
                public ::testing::WithParamInterface<std::string> {
 protected:
  RunTest() {
    options_.models = {kBundle};
    StartServer(GetParam());
  }

  CommandResult Run(std::vector<std::string> more) {
    std::vector<std::string> command = {FORESIGHT_BUILD_DIR
                                        "/bin/foresight-run",
                                        "--server",
                                        server_->address(),
                                        "--episodes",
                                        "2",
                                        "--max-steps",
                                        std::to_string(kSteps)};
    command.insert(command.end(), more.begin(), more.end());
    return RunCommand(command);
  }

  // Returns the report of --json; the test fails if the run does.
  nlohmann::json RunJson(std::vector<std::string> more) {
    const std::string file = files_.path() / "run.json";
    more.insert(more.end(), {"--json", file});
    const CommandResult result = Run(std::move(more));
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    return nlohmann::json::parse(std::ifstream(file), nullptr, false);
  }

  TemporaryFolder files_;
};

INSTANTIATE_TEST_SUITE_P(Engines, RunTest, ::testing::Values("fused"));

// Plays the frozen policy through the client library and compares each action
// with the bundle's policy in double. Returns the return.
double PlayFrozen(const std::string& address, uint64_t seed) {
  const auto bundle = Bundle::Load(kBundle);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  const auto psi = PlainParameters<double>(bundle->policy());
  const auto environment = MakeEnvironment("HalfCheetah-v4");
  EXPECT_TRUE(environment.ok()) << environment.status();
  const auto client = AdaptationClient::Connect(address);
  EXPECT_TRUE(client.ok()) << client.status();
  SessionOptions options;
  options.settings.set_steps(0);
  auto session = client->OpenSession(options);
  EXPECT_TRUE(session.ok()) << session.status();

  std::vector<double> state = (*environment)->Reset(seed);
  double sum = 0;
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<float> observation(state.begin(), state.end());
    const auto decision = session->Act(observation);
    EXPECT_TRUE(decision.ok()) << decision.status();
    const std::vector<float> action(decision->action().begin(),
                                    decision->action().end());
    // The tolerance covers float32's rounding through four layers.
    EXPECT_THAT(
        action,
        Pointwise(FloatNear(1e-5),
                  PlainPolicy<double>(
                      *bundle, psi, {observation.begin(), observation.end()})));
    const auto next = (*environment)->Step(action);
    EXPECT_TRUE(next.ok()) << next.status();
    sum += next->reward;
    state = next->observation;
  }
  return sum;
}

TEST_P(RunTest, FrozenIsTheBundlesPolicyAndAdaptedIsNot) {
  const nlohmann::json json = RunJson({});
  ASSERT_EQ(json["episodes"].size(), 2u);
  for (int i = 0; i < 2; ++i) {
    const nlohmann::json& episode = json["episodes"][i];
    EXPECT_EQ(episode["seed"], 1000 + i);
    EXPECT_EQ(episode["frozen_return"],
              PlayFrozen(server_->address(), 1000 + i));
    EXPECT_NE(episode["adapted_return"], episode["frozen_return"]);
    EXPECT_EQ(episode["steps_done_mean"], 1);
  }
  EXPECT_EQ(json["environment"], "HalfCheetah-v4");
  EXPECT_EQ(json["settings"]["horizon"], 5);
  EXPECT_GT(json["latency_ms"]["p99"], 0);
  EXPECT_TRUE(AwaitMetric("foresight_sessions", 0));
}

TEST_P(RunTest, RunsRepeatExactly) {
  const nlohmann::json once = RunJson({"--parallel", "1"});
  const nlohmann::json again = RunJson({"--parallel", "4"});
  EXPECT_EQ(once["episodes"], again["episodes"]);
  const nlohmann::json over_stream = RunJson({"--parallel", "4", "--stream"});
  EXPECT_EQ(once["episodes"], over_stream["episodes"]);
  EXPECT_EQ(once["interval"], again["interval"]);
}

TEST_P(RunTest, SettingsReachTheServer) {
  const nlohmann::json json =
      RunJson({"--adapted-only", "--horizon", "2", "--particles", "1",
               "--steps", "2", "--mode", "reset", "--noise-scale", "0"});
  EXPECT_EQ(json["settings"]["horizon"], 2);
  EXPECT_EQ(json["settings"]["mode"], "RESET");
  EXPECT_EQ(json["settings"]["noise_scale"], 0);
  EXPECT_EQ(json["episodes"][0]["steps_done_mean"], 2);
}

TEST_P(RunTest, WrongSettingsAreTheServersToName) {
  const CommandResult result = Run({"--particles", "0"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("particles"));
  EXPECT_THAT(result.errors, HasSubstr("SETTINGS_INVALID"));
}

TEST_P(RunTest, ATightBudgetIsKeptAndStillAnswers) {
  const nlohmann::json json =
      RunJson({"--adapted-only", "--steps", "1000", "--budget", "5ms"});
  const double steps_done = json["episodes"][0]["steps_done_mean"];
  EXPECT_LT(steps_done, 1000);
  // A thousand steps take seconds.
  EXPECT_LT(json["latency_ms"]["p50"], 500);
}

}  // namespace
}  // namespace foresight

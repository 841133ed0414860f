// Runs the control loop of client/README.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/fake_adaptation_server.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class RobotLoopTest : public ::testing::Test {
 protected:
  CommandResult Drive(const char* steps) {
    return RunCommand(
        {FORESIGHT_BUILD_DIR "/bin/robot_loop", server_.address(), steps});
  }

  FakeAdaptationServer server_{
      {FakeAdaptationServer::HalfCheetahModel("only")}};
};

TEST_F(RobotLoopTest, AsksForPlansWithinABudgetAndClosesItsSession) {
  const CommandResult result = Drive("20");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, StartsWith("20 steps: "));
  EXPECT_EQ(server_.last_act().plan_length(), 8u);
  EXPECT_EQ(server_.last_act().budget().seconds(), 0);
  EXPECT_GT(server_.last_act().budget().nanos(), 0);
  EXPECT_LE(server_.last_act().budget().nanos(), 12000000);
  EXPECT_EQ(server_.open_sessions(), 0);
}

TEST_F(RobotLoopTest, ContinuesWithoutAnswers) {
  server_.Stall();
  const CommandResult result = Drive("3");
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("3 steps: 0 answered in time, 0 by "
                                       "plan, 3 before the first answer"));
}

TEST_F(RobotLoopTest, SaysWhyItCannotStart) {
  server_.FailNext(1,
                   DetailedStatus(grpc::StatusCode::NOT_FOUND, "no model",
                                  "MODEL_UNKNOWN", absl::InfiniteDuration()));
  const CommandResult result = Drive("3");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("no model"));
}

}  // namespace
}  // namespace foresight

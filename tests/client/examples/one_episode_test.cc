// Runs the example of client/README.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/fake_adaptation_server.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(OneEpisodeTest, PlaysAndClosesItsSession) {
  FakeAdaptationServer server({FakeAdaptationServer::HalfCheetahModel("only")});
  const CommandResult result =
      RunCommand({FORESIGHT_BUILD_DIR "/bin/one_episode", server.address()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, StartsWith("return after 20 steps: "));
  ASSERT_EQ(server.opened_sessions(), 1);
  EXPECT_EQ(server.open_requests()[0].settings().horizon(), 3u);
  EXPECT_EQ(server.last_act().decision_index(), 19u);
  EXPECT_EQ(server.open_sessions(), 0);
}

TEST(OneEpisodeTest, SaysTheReasonOfAnError) {
  FakeAdaptationServer server({FakeAdaptationServer::HalfCheetahModel("a"),
                               FakeAdaptationServer::HalfCheetahModel("b")});
  const CommandResult result =
      RunCommand({FORESIGHT_BUILD_DIR "/bin/one_episode", server.address()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("MODEL_UNKNOWN"));
}

}  // namespace
}  // namespace foresight

// A client dies silently.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/served_test.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

class KilledClientTest : public ServedTest {
 protected:
  const std::string client_ =
      std::string(FORESIGHT_BUILD_DIR) + "/bin/endless_client";
};

TEST_F(KilledClientTest, ItsSessionsAreFreedWhenTheirTimeIsOver) {
  options_.operations.idle_timeout = absl::Milliseconds(300);
  StartServer();
  for (const char* id : {"a", "b"}) Open(id, /*steps=*/1000);
  engine_->Hold();
  RunningCommand client({client_, "control", server_->address(), "a", "b"});
  ASSERT_TRUE(engine_->AwaitRunning(2));
  // While the client runs, its sessions outlive their timeout by far.
  const absl::Time begun = absl::Now();
  while (absl::Now() < begun + 2 * options_.operations.idle_timeout) {
    ASSERT_TRUE(AwaitMetric("foresight_sessions", 2));
  }
  client.Signal(SIGKILL);
  const absl::Time killed = absl::Now();
  EXPECT_TRUE(AwaitMetric("foresight_sessions_expired_total", 2));
  EXPECT_GE(absl::Now() - killed, options_.operations.idle_timeout);
  EXPECT_EQ(engine_->alive(), 0);
}

// The sessions' own timeout is much longer.
TEST_F(KilledClientTest, ItsSessionsAreFreedSoonAfterItsConnectionIsLost) {
  options_.operations.idle_timeout = absl::Hours(1);
  options_.sessions.lost_timeout = absl::Milliseconds(500);
  StartServer();
  for (const char* id : {"a", "b", "c"}) Open(id, /*steps=*/1000);
  ASSERT_TRUE(Act(Request("c", 0.5f, 0)).ok());
  engine_->Hold();
  RunningCommand client({client_, "control", server_->address(), "a", "b"});
  ASSERT_TRUE(engine_->AwaitRunning(2));
  client.Signal(SIGKILL);
  EXPECT_TRUE(AwaitMetric("foresight_sessions_expired_total", 2));
  // The connection of "c" still exists.
  EXPECT_TRUE(AwaitMetric("foresight_sessions", 1));
}

TEST_F(KilledClientTest, SessionsThatItNeverUsedAreFreedSoon) {
  options_.operations.idle_timeout = absl::Hours(1);
  options_.sessions.lost_timeout = absl::Milliseconds(500);
  StartServer();
  Open("mine");
  RunningCommand client({client_, "open", server_->address(), "a", "b"});
  ASSERT_TRUE(AwaitMetric("foresight_sessions", 3));
  client.Signal(SIGKILL);
  EXPECT_TRUE(AwaitMetric("foresight_sessions_expired_total", 2));
  EXPECT_TRUE(Act(Request("mine", 0.5f)).ok());
}

}  // namespace
}  // namespace foresight

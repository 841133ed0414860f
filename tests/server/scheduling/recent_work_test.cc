#include "server/scheduling/recent_work.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(10);

class RecentWorkTest : public ::testing::Test {
 protected:
  // Counts `steps` steps for `session`, one after another.
  void Work(const void* session, int steps) {
    for (int i = 0; i < steps; ++i) work_.Count(session, kStep, now_ += kStep);
  }

  RecentWork work_;
  absl::Time now_ = absl::UnixEpoch();
  const int one_ = 0, other_ = 0;
};

TEST_F(RecentWorkTest, ASessionAloneLeavesNothingToOthers) {
  Work(&one_, 1000);
  EXPECT_NEAR(work_.OfOthers(now_), 0, 1e-9);
}

TEST_F(RecentWorkTest, SessionsThatTakeTurnsAreOthersToOneAnother) {
  for (int i = 0; i < 500; ++i) {
    Work(&one_, 1);
    Work(&other_, 1);
  }
  EXPECT_NEAR(work_.OfOthers(now_), 1, 0.02);
}

TEST_F(RecentWorkTest, OthersWorkFadesWithinASecond) {
  Work(&other_, 1000);
  Work(&one_, 1);
  EXPECT_GT(work_.OfOthers(now_), 0.9);
  Work(&one_, 100);
  EXPECT_NEAR(work_.OfOthers(now_), std::exp(-1), 0.02);
  EXPECT_NEAR(work_.OfOthers(now_ + absl::Seconds(1)), std::exp(-2), 0.02);
}

TEST_F(RecentWorkTest, WorkWithoutASessionIsOthers) {
  Work(nullptr, 1000);
  EXPECT_GT(work_.OfOthers(now_), 0.9);
}

}  // namespace
}  // namespace foresight

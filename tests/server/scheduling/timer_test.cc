#include "server/scheduling/timer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "absl/synchronization/notification.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;

// Much longer than any of this takes: only a hang reaches it.
constexpr absl::Duration kPatience = absl::Seconds(30);

TEST(TimerTest, ActionsRunInTheOrderOfTheirTimes) {
  std::vector<int> order;
  absl::Notification done;
  Timer timer;
  const absl::Time begin = MonotonicNow() + absl::Milliseconds(20);
  timer.At(begin + absl::Milliseconds(2), [&] {
    order.push_back(2);
    done.Notify();
  });
  timer.At(begin, [&] { order.push_back(0); });
  timer.At(begin + absl::Milliseconds(1), [&] { order.push_back(1); });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
}

TEST(TimerTest, AnActionNeverRunsBeforeItsTime) {
  absl::Notification done;
  absl::Time ran;
  Timer timer;
  const absl::Time when = MonotonicNow() + absl::Milliseconds(5);
  timer.At(when, [&] {
    ran = MonotonicNow();
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_GE(ran, when);
}

TEST(TimerTest, ACancelledActionDoesNotRun) {
  std::atomic<bool> ran = false;
  absl::Notification done;
  Timer timer;
  const absl::Time when = MonotonicNow() + absl::Milliseconds(10);
  const uint64_t id = timer.At(when, [&] { ran = true; });
  timer.At(when + absl::Milliseconds(1), [&] { done.Notify(); });
  timer.Cancel(id);
  timer.Cancel(id);  // A second time does nothing.
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_FALSE(ran);
}

TEST(TimerTest, ActionsWhoseTimeHasNotComeAreDropped) {
  bool ran = false;
  {
    Timer timer;
    timer.At(absl::InfiniteFuture(), [&] { ran = true; });
  }
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace foresight

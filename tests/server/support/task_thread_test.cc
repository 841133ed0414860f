#include "server/support/task_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/synchronization/notification.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;

TEST(TaskThreadTest, TasksRunInTheirOrderAndBeforeTheEnd) {
  std::vector<int> seen;
  {
    TaskThread thread({});
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(thread.Run([&seen, i] { seen.push_back(i); }));
    }
  }
  EXPECT_THAT(seen, ElementsAre(0, 1, 2, 3));
}

TEST(TaskThreadTest, WithTooManyWaitingAnotherOneIsRefused) {
  absl::Notification begun, go_on;
  int ran = 0;
  {
    TaskThread::Options options;
    options.max_waiting = 2;
    TaskThread thread(options);
    ASSERT_TRUE(thread.Run([&] {
      begun.Notify();
      go_on.WaitForNotification();
    }));
    begun.WaitForNotification();  // It does not wait any more.
    EXPECT_TRUE(thread.Run([&ran] { ++ran; }));
    EXPECT_TRUE(thread.Run([&ran] { ++ran; }));
    EXPECT_FALSE(thread.Run([&ran] { ran += 100; }));
    go_on.Notify();
  }
  EXPECT_EQ(ran, 2);
}

TEST(TaskThreadTest, ItsNicenessIsItsOwn) {
  const auto niceness = [] {
    return getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)));
  };
  const int before = niceness();
  int inside = 0;
  {
    TaskThread::Options options;
    options.nice = 3;
    TaskThread thread(options);
    thread.Run([&] { inside = niceness(); });
  }
  EXPECT_EQ(inside, std::min(before + 3, 19));
  EXPECT_EQ(niceness(), before);
}

}  // namespace
}  // namespace foresight

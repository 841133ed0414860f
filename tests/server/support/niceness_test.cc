#include "server/support/niceness.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

namespace foresight {
namespace {

int Niceness() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)));
}

// In a thread of its own, since it cannot be undone.
template <typename Body>
void InAThread(Body body) {
  std::thread(body).join();
}

TEST(NicenessTest, ASliceLeavesNicenessAndPolicyAsTheyAre) {
  InAThread([] {
    AddNiceness(4);
    const int niceness = Niceness();
    RequestSlice(absl::Microseconds(200));
    EXPECT_EQ(Niceness(), niceness);
    EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
  });
}

TEST(NicenessTest, AnotherPolicyIsKept) {
  InAThread([] {
    const sched_param parameters = {};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &parameters), 0);
    RequestSlice(absl::Microseconds(200));
    EXPECT_EQ(sched_getscheduler(0), SCHED_BATCH);
  });
}

}  // namespace
}  // namespace foresight

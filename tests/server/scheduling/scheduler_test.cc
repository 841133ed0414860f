#include "server/scheduling/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "server/support/clock.h"
#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::Each;

// Much longer than any of this takes: only a hang reaches it.
constexpr absl::Duration kPatience = absl::Seconds(30);

// A task whose turns call a function.
class FunctionTask : public Scheduler::Task {
 public:
  std::function<void(const Scheduler::Turn&)> run;
};

class SchedulerTest : public ::testing::Test, public Scheduler::Executor {
 protected:
  void Start(int lanes, size_t max_queue = 100) {
    Scheduler::Options options;
    options.clock = [this] {
      ++clock_reads_;
      return MonotonicNow();
    };
    options.queue.lanes = lanes;
    options.queue.max_size = max_queue;
    scheduler_ = std::make_unique<Scheduler>(options);
    running_ = scheduler_.get();
    scheduler_->Start(this);
  }

  // Threads call Run, so they must end before this object is destroyed.
  void TearDown() override { scheduler_.reset(); }

  void Run(int, Scheduler::Turn turn) override {
    static_cast<FunctionTask&>(*turn.task).run(turn);
    turn.task = nullptr;
    running_->Finish(turn.id);
  }
  void Evict(std::shared_ptr<Scheduler::Task>, absl::Status) override {
    ++evicted_;
  }

  DecisionQueue::Entry Make(absl::Time deadline) {
    DecisionQueue::Entry decision;
    decision.id = scheduler_->NewId();
    decision.deadline = deadline;
    decision.steps = 1;
    return decision;
  }
  absl::Status TrySubmit(const DecisionQueue::Entry& decision,
                         std::function<void(const Scheduler::Turn&)> run) {
    auto task = std::make_shared<FunctionTask>();
    task->run = std::move(run);
    return scheduler_->Submit(decision, std::move(task));
  }
  // Submits a task and returns its id.
  uint64_t Submit(std::function<void(const Scheduler::Turn&)> run,
                  absl::Time deadline = absl::InfiniteFuture()) {
    const DecisionQueue::Entry decision = Make(deadline);
    EXPECT_TRUE(TrySubmit(decision, std::move(run)).ok());
    return decision.id;
  }

  // Keeps one thread busy until Release.
  void Occupy() {
    absl::Notification begun;
    Submit([&](const Scheduler::Turn&) {
      begun.Notify();
      release_.WaitForNotificationWithTimeout(kPatience);
    });
    begun.WaitForNotification();
  }
  void Release() { release_.Notify(); }

  absl::Notification release_;
  std::atomic<int> evicted_ = 0;
  std::atomic<int> clock_reads_ = 0;
  std::unique_ptr<Scheduler> scheduler_;
  Scheduler* running_ = nullptr;  // Valid even in ~Scheduler.
};

TEST_F(SchedulerTest, AcceptedTasksRunBeforeItEnds) {
  Start(2);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 50; ++i) {
    Submit([&](const Scheduler::Turn&) { ++ran; });
  }
  scheduler_.reset();
  EXPECT_EQ(ran, 50);
}

TEST_F(SchedulerTest, AsManyTasksRunAtOnceAsThereAreThreads) {
  Start(3);
  // Opens only when three threads are inside at once.
  absl::BlockingCounter inside(3);
  for (int i = 0; i < 3; ++i) {
    Submit([&](const Scheduler::Turn&) {
      inside.DecrementCount();
      release_.WaitForNotificationWithTimeout(kPatience);
    });
  }
  inside.Wait();
  Release();
}

// Each decision is due before those that came earlier, so each sets the alarm.
TEST_F(SchedulerTest, AnEarlierAlarmReplacesALaterOne) {
  constexpr int kDecisions = 100;
  Start(1);
  Occupy();
  absl::BlockingCounter left(kDecisions);
  const absl::Time end = MonotonicNow() + absl::Milliseconds(500);
  for (int i = 0; i < kDecisions; ++i) {
    Submit([&](const Scheduler::Turn&) { left.DecrementCount(); },
           end - i * absl::Milliseconds(2));
  }
  left.Wait();
  // A few per decision; thousands if each alarm set another one.
  EXPECT_LT(clock_reads_, 20 * kDecisions);
  Release();
}

TEST_F(SchedulerTest, AFullQueueRefusesAndDoesNotRunTheTask) {
  Start(1, /*max_queue=*/1);
  Occupy();
  Submit([](const Scheduler::Turn&) {});
  bool ran = false;
  const absl::Status refused =
      TrySubmit(Make(absl::InfiniteFuture()),
                [&](const Scheduler::Turn&) { ran = true; });
  EXPECT_EQ(ReasonName(refused), "OVERLOADED");
  Release();
  scheduler_.reset();
  EXPECT_FALSE(ran);
}

TEST_F(SchedulerTest, AWithdrawnTaskDoesNotRunAndIsReleased) {
  Start(1);
  Occupy();
  auto held = std::make_shared<int>(0);
  const uint64_t id =
      Submit([held](const Scheduler::Turn&) { ADD_FAILURE() << "ran"; });
  EXPECT_EQ(held.use_count(), 2);
  EXPECT_TRUE(scheduler_->Withdraw(id));
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(scheduler_->Withdraw(id));
  Release();
}

TEST_F(SchedulerTest, ARunningTaskCannotBeWithdrawn) {
  Start(1);
  absl::Notification begun;
  const uint64_t id = Submit([&](const Scheduler::Turn&) {
    begun.Notify();
    release_.WaitForNotificationWithTimeout(kPatience);
  });
  begun.WaitForNotification();
  EXPECT_FALSE(scheduler_->Withdraw(id));
  Release();
}

TEST_F(SchedulerTest, ADueTaskIsRunThoughEveryLaneIsBusy) {
  Start(1);
  Occupy();
  absl::Notification done;
  bool adapt = true;
  Submit(
      [&](const Scheduler::Turn& turn) {
        adapt = turn.adapt;
        done.Notify();
      },
      MonotonicNow() + absl::Milliseconds(5));
  EXPECT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_FALSE(adapt);
  Release();
}

TEST_F(SchedulerTest, TheTaskThatLosesItsPlaceIsGivenBack) {
  Start(1, /*max_queue=*/3);
  Occupy();
  for (int i = 0; i < 3; ++i) Submit([](const Scheduler::Turn&) {});
  DecisionQueue::Entry other = Make(absl::InfiniteFuture());
  other.owner = "another";
  EXPECT_TRUE(TrySubmit(other, [](const Scheduler::Turn&) {}).ok());
  EXPECT_EQ(evicted_, 1);
  Release();
}

TEST_F(SchedulerTest, InAHurryNoTurnAdapts) {
  Start(1);
  Occupy();
  std::vector<bool> adapts;
  for (int i = 0; i < 3; ++i) {
    Submit([&](const Scheduler::Turn& turn) {
      adapts.push_back(turn.adapt || running_->MayStep(turn.id, 1, 1));
    });
  }
  scheduler_->Hurry();
  Release();
  scheduler_.reset();
  EXPECT_EQ(adapts.size(), 3u);
  EXPECT_THAT(adapts, Each(false));
}

TEST_F(SchedulerTest, ParallelCallsAreEachMadeOnce) {
  Start(3);
  absl::Notification done;
  std::vector<std::atomic<int>> calls(1000);
  Submit([&](const Scheduler::Turn&) {
    for (int round = 0; round < 20; ++round) {
      scheduler_->RunParallel(1000, 3, [&](int i, int) { ++calls[i]; });
      for (const auto& count : calls) EXPECT_EQ(count, round + 1);
    }
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(SchedulerTest, IdleThreadsHelpWithARunningTask) {
  Start(2);
  absl::Notification done;
  std::set<std::thread::id> helpers;
  Submit([&](const Scheduler::Turn&) {
    absl::Barrier* both = new absl::Barrier(2);
    std::thread::id threads[2];
    // Each call waits for the other, so one thread alone would hang.
    while (scheduler_->idle() == 0) std::this_thread::yield();
    scheduler_->RunParallel(2, 2, [&](int, int lane) {
      threads[lane] = std::this_thread::get_id();
      if (both->Block()) delete both;
    });
    helpers = {threads[0], threads[1]};
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(helpers.size(), 2u);
}

TEST_F(SchedulerTest, AWaitingTaskGoesBeforeHelp) {
  Start(2);
  absl::Notification done;
  absl::Notification other_ran;
  Submit([&](const Scheduler::Turn&) {
    while (scheduler_->idle() == 0) std::this_thread::yield();
    // The other thread is helping when the task arrives, and leaves for it
    // although calls are left to make.
    std::atomic<bool> submitted = false;
    const std::thread::id self = std::this_thread::get_id();
    scheduler_->RunParallel(1000, 2, [&](int, int) {
      const bool helping = std::this_thread::get_id() != self;
      if (helping && !submitted.exchange(true)) {
        Submit([&](const Scheduler::Turn&) { other_ran.Notify(); });
      }
      if (!helping) other_ran.WaitForNotificationWithTimeout(kPatience);
    });
    EXPECT_TRUE(submitted);
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_TRUE(other_ran.HasBeenNotified());
}

TEST_F(SchedulerTest, NoMoreThreadsHelpThanThereAreLanes) {
  Start(4);
  absl::Notification done;
  std::vector<std::atomic<int>> on_lane(2);
  Submit([&](const Scheduler::Turn&) {
    scheduler_->RunParallel(2000, 2, [&](int, int lane) {
      EXPECT_EQ(++on_lane[lane], 1);
      --on_lane[lane];
    });
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(SchedulerTest, AHelperComesBackAfterATask) {
  Start(2);
  absl::Notification done, other_ran;
  std::atomic<int> helped_before = 0, helped_after = 0;
  Submit([&](const Scheduler::Turn&) {
    while (scheduler_->idle() == 0) std::this_thread::yield();
    const std::thread::id self = std::this_thread::get_id();
    std::atomic<bool> submitted = false;
    // The caller stays in its items until the helper has come and gone.
    scheduler_->RunParallel(1000, 2, [&](int, int) {
      if (std::this_thread::get_id() != self) {
        if (other_ran.HasBeenNotified()) ++helped_after;
        if (!submitted.exchange(true)) {
          ++helped_before;
          Submit([&](const Scheduler::Turn&) { other_ran.Notify(); });
        }
        return;
      }
      const absl::Time end = MonotonicNow() + kPatience;
      while (helped_after == 0 && MonotonicNow() < end) {
        std::this_thread::yield();
      }
    });
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(2 * kPatience));
  EXPECT_EQ(helped_before, 1);
  EXPECT_GT(helped_after, 0);
}

TEST_F(SchedulerTest, CalledHelpersHelpAndStillTakeTasks) {
  Start(2);
  absl::Notification done, other_ran;
  Submit([&](const Scheduler::Turn&) {
    for (int round = 0; round < 20; ++round) {
      while (scheduler_->idle() == 0) std::this_thread::yield();
      scheduler_->CallHelpers();
      absl::Barrier* both = new absl::Barrier(2);
      // Each call waits for the other, so one thread alone would hang.
      scheduler_->RunParallel(2, 2, [&](int, int) {
        if (both->Block()) delete both;
      });
    }
    scheduler_->CallHelpers();
    Submit([&](const Scheduler::Turn&) { other_ran.Notify(); });
    EXPECT_TRUE(other_ran.WaitForNotificationWithTimeout(kPatience));
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(2 * kPatience));
}

TEST_F(SchedulerTest, CalledHelpersStayOffTheCallersCore) {
  cpu_set_t all;
  sched_getaffinity(0, sizeof(all), &all);
  if (CPU_COUNT(&all) < 2) GTEST_SKIP() << "needs two cores";
  Start(2);
  absl::Notification done, other_ran;
  Submit([&](const Scheduler::Turn&) {
    while (scheduler_->idle() == 0) std::this_thread::yield();
    cpu_set_t here;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    sched_setaffinity(0, sizeof(here), &here);  // Else the thread may move.
    scheduler_->CallHelpers();
    absl::Barrier* both = new absl::Barrier(2);
    const std::thread::id self = std::this_thread::get_id();
    cpu_set_t helpers;
    scheduler_->RunParallel(2, 2, [&](int, int) {
      if (std::this_thread::get_id() != self) {
        sched_getaffinity(0, sizeof(helpers), &helpers);
      }
      if (both->Block()) delete both;
    });
    cpu_set_t shared;
    CPU_AND(&shared, &here, &helpers);
    EXPECT_EQ(CPU_COUNT(&shared), 0);
    // For its own turns the helper has all cores again.
    Submit([&](const Scheduler::Turn&) {
      cpu_set_t now;
      sched_getaffinity(0, sizeof(now), &now);
      EXPECT_TRUE(CPU_EQUAL(&now, &all));
      other_ran.Notify();
    });
    EXPECT_TRUE(other_ran.WaitForNotificationWithTimeout(kPatience));
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(2 * kPatience));
}

TEST_F(SchedulerTest, WithoutIdleThreadsTheCallerDoesAll) {
  Start(1);
  absl::Notification done;
  int calls = 0;
  Submit([&](const Scheduler::Turn&) {
    EXPECT_EQ(scheduler_->idle(), 0);
    scheduler_->RunParallel(10, 2, [&](int i, int) { calls += i; });
    done.Notify();
  });
  ASSERT_TRUE(done.WaitForNotificationWithTimeout(kPatience));
  EXPECT_EQ(calls, 45);
}

}  // namespace
}  // namespace foresight

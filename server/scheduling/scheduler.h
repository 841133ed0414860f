// The threads that run decisions, in the order of a DecisionQueue. A thread
// with nothing to run may help with a decision that is running.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/scheduling/decision_queue.h"
#include "server/scheduling/parallel_job.h"

namespace foresight {

// Thread-safe. Calls tasks without a lock held.
class Scheduler {
 public:
  struct Options {
    int threads = 1;          // >= 1; one per core is best.
    size_t max_queue = 4096;  // >= 1
  };
  using Turn = DecisionQueue::Turn;
  struct Task {
    DecisionQueue::Decision decision;  // Its id from NewId.
    // Called once, on one of the threads, unless withdrawn.
    std::function<void(const Turn&)> run;
  };

  explicit Scheduler(Options options);
  // Runs what was accepted, then ends the threads. Submit no more.
  ~Scheduler();

  uint64_t NewId() { return ++last_id_; }

  // True when a thread is free for it, false when it has to wait.
  // Errors: OVERLOADED, as DecisionQueue::Push; `task` will not be run.
  absl::StatusOr<bool> Submit(Task task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes a waiting task back: true if it will not be run.
  bool Withdraw(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on every task gets a turn that is over at once, so that all have
  // at least their least answer soon.
  void Hurry() ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls body(0) .. body(count - 1), some of them on threads that have
  // nothing else to do, and returns when all have returned. A waiting task goes
  // before such help.
  void RunParallel(int count, absl::FunctionRef<void(int)> body)
      ABSL_LOCKS_EXCLUDED(mutex_);

  int threads() const { return static_cast<int>(threads_.size()); }
  int idle() const { return idle_.load(std::memory_order_relaxed); }

 private:
  struct SharedJob {
    ParallelJob job;
    int helpers = 0;
  };

  // What a thread does next: a task, else help, else (neither) it ends.
  struct Next {
    Turn turn;
    std::function<void(const Turn&)> task;
    SharedJob* job = nullptr;
  };

  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  Next Await() ABSL_LOCKS_EXCLUDED(mutex_);
  void Run(Next next) ABSL_LOCKS_EXCLUDED(mutex_);
  void Help(SharedJob& job) ABSL_LOCKS_EXCLUDED(mutex_);
  SharedJob* JobToHelp() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  std::atomic<uint64_t> last_id_ = 0;
  std::atomic<int> idle_ = 0;
  std::atomic<size_t> waiting_ = 0;  // Of queue_, for helpers to see.

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurrying_ ABSL_GUARDED_BY(mutex_) = false;
  DecisionQueue queue_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, std::function<void(const Turn&)>> tasks_
      ABSL_GUARDED_BY(mutex_);
  std::list<SharedJob*> jobs_ ABSL_GUARDED_BY(mutex_);

  std::vector<std::thread> threads_;  // Last: they use all of the above.
};

}  // namespace foresight

// The threads that run decisions in the order of a DecisionQueue. Lanes adapt;
// one more thread gives frozen answers to decisions that have waited long
// enough, however long the lanes' steps take. A lane with nothing to run may
// help with a running decision.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/scheduling/decision_queue.h"
#include "server/scheduling/parallel_job.h"
#include "server/scheduling/timer.h"
#include "server/support/clock.h"

namespace foresight {

// Thread-safe. Calls its executor without a lock held.
class Scheduler {
 public:
  struct Options {
    DecisionQueue::Options queue;  // Lanes: >= 1; one per core is best.
    // Added to the lanes' niceness, so that threads that receive and answer
    // calls get a core at once. 0..19.
    int nice = 5;
    Clock clock = MonotonicNow;
    // If false there are no threads: a simulation calls Take, TakeDue and
    // next_due.
    bool threads = true;
  };
  // A decision as the executor knows it.
  class Task {
   public:
    virtual ~Task() = default;
  };
  struct Turn {
    uint64_t id = 0;
    bool adapt = false;  // False: only the frozen answer.
    std::shared_ptr<Task> task;
  };
  // Runs the turns. Every turn must be ended by Finish.
  class Executor {
   public:
    virtual ~Executor() = default;
    // Runs on lane `lane`; returns when the turn is over.
    virtual void Run(int lane, Turn turn) = 0;
    // `task`, which is not running, had to leave the queue for others.
    virtual void Evict(std::shared_ptr<Task> task, absl::Status why) = 0;
  };

  explicit Scheduler(Options options);
  // Runs the accepted tasks, then ends the threads. Submit must not be called
  // any more.
  ~Scheduler();

  // Call once, before the first Submit. `executor` outlives the threads.
  void Start(Executor* executor);

  uint64_t NewId() { return ++last_id_; }

  // Errors: OVERLOADED, as DecisionQueue::Push; `task` will not be run.
  absl::Status Submit(const DecisionQueue::Entry& decision,
                      std::shared_ptr<Task> task) ABSL_LOCKS_EXCLUDED(mutex_);

  // Takes a waiting task back; returns true if it will not be run.
  bool Withdraw(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

  // Begins no more steps: all decisions get their frozen answers soon.
  void Hurry() ABSL_LOCKS_EXCLUDED(mutex_);

  // The next turn for a lane, or for the thread for frozen answers; none if
  // there is nothing to run now.
  std::optional<Turn> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  std::optional<Turn> TakeDue() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Time next_due() const ABSL_LOCKS_EXCLUDED(mutex_);

  // For running turns; as the corresponding functions of DecisionQueue.
  std::optional<Turn> Join(absl::Span<const uint64_t> ids)
      ABSL_LOCKS_EXCLUDED(mutex_);
  std::optional<Turn> TakeUrgent(uint64_t id, int steps_left)
      ABSL_LOCKS_EXCLUDED(mutex_);
  bool MayStep(uint64_t id, int count, int threads) const
      ABSL_LOCKS_EXCLUDED(mutex_);
  void CountStep(absl::Span<const uint64_t> ids, int threads,
                 absl::Duration taken, bool whole) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountOther(uint64_t id, absl::Duration taken)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Finish(uint64_t id) ABSL_LOCKS_EXCLUDED(mutex_);

  // The number of threads that a decision stepped alone may use, the caller's
  // included. It is 1 while others wait or the lanes have been busy for half of
  // the time, since splitting costs some throughput. A session that has had the
  // lanes to itself lately may use them all.
  int SplitThreads() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Says that RunParallel will be called soon: idle lanes wake, on other cores
  // than the caller's, and look for it for a moment before they sleep again.
  // Waking takes about a tenth of a step.
  void CallHelpers() ABSL_LOCKS_EXCLUDED(mutex_);
  // As Workers::Run, with the help of lanes that have nothing else to do. A
  // helper leaves between items if a decision waits for a lane.
  void RunParallel(int count, int lanes, ParallelJob::Body body)
      ABSL_LOCKS_EXCLUDED(mutex_);

  int lanes() const { return options_.queue.lanes; }
  int idle() const { return idle_.load(std::memory_order_relaxed); }
  absl::Time now() const { return options_.clock(); }
  // Decisions that wait.
  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work(int lane) ABSL_LOCKS_EXCLUDED(mutex_);
  void AnswerDue() ABSL_LOCKS_EXCLUDED(mutex_);
  // Makes the thread for frozen answers wake in time.
  void Arm() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::optional<Turn> Give(std::optional<DecisionQueue::Turn> turn)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Help(ParallelJob& job, int lane) ABSL_LOCKS_EXCLUDED(mutex_);
  ParallelJob* JobToHelp() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns when there is work. With `look` it polls before it sleeps.
  void AwaitWork(int lane, bool look) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Lanes that sleep stay off the caller's core until they next sleep or have a
  // turn.
  void KeepApart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndKeepApart(int lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { ++news_; }

  const Options options_;
  Executor* executor_ = nullptr;
  std::atomic<uint64_t> last_id_ = 0;
  std::atomic<int> idle_ = 0;
  std::atomic<size_t> candidates_ = 0;  // queue_.candidates(), for helpers.
  std::atomic<uint64_t> news_ = 0;      // Changes when work may have come.

  mutable absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurrying_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;  // For helpers.
  DecisionQueue queue_ ABSL_GUARDED_BY(mutex_);
  struct Lane {
    bool sleeps = false;
    bool kept_apart = false;
  };
  std::vector<Lane> lanes_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<uint64_t, std::shared_ptr<Task>> tasks_
      ABSL_GUARDED_BY(mutex_);
  std::list<ParallelJob*> jobs_ ABSL_GUARDED_BY(mutex_);
  absl::Time armed_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  uint64_t alarm_ ABSL_GUARDED_BY(mutex_) = 0;

  // Its thread gives frozen answers. Never reset, since its own actions use
  // this pointer.
  std::unique_ptr<Timer> timer_;
  std::vector<std::thread> threads_;  // Last: they use all of the above.
};

}  // namespace foresight

// A thread for work that must not hold up the caller.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace foresight {

// Runs tasks one after the other, in the order in which they came.
//
// Thread-safe.
class TaskThread {
 public:
  struct Options {
    size_t max_waiting = 16;  // Tasks that wait besides the one that runs.
    int nice = 0;             // Added to the thread's niceness.
  };

  explicit TaskThread(Options options);
  // Runs the tasks that wait, then ends the thread.
  ~TaskThread();

  // Returns false and drops `task` if too many wait.
  bool Run(std::function<void()> task) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Serve() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace foresight

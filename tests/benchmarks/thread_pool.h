// Helpers for one decision at a time, as the server's idle threads are.
#pragma once

#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/adaptation/engine.h"

namespace foresight {

class ThreadPool : public Workers {
 public:
  // `size` threads, the caller's included; >= 1.
  explicit ThreadPool(int size);
  ~ThreadPool() override;

  int size() const override { return static_cast<int>(threads_.size()) + 1; }
  void Run(int count, absl::FunctionRef<void(int)> body) override
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  void Work() ABSL_LOCKS_EXCLUDED(mutex_);
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || next_ < count_;
  }
  bool IsDone() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return next_ >= count_ && running_ == 0;
  }
  // Runs what is left to begin.
  void RunRest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  const absl::FunctionRef<void(int)>* body_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int count_ ABSL_GUARDED_BY(mutex_) = 0;
  int next_ ABSL_GUARDED_BY(mutex_) = 0;
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace foresight

#include "tests/benchmarks/thread_pool.h"

namespace foresight {

ThreadPool::ThreadPool(int size) {
  for (int i = 1; i < size; ++i) threads_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::Run(int count, absl::FunctionRef<void(int)> body) {
  absl::MutexLock lock(&mutex_);
  body_ = &body;
  count_ = count;
  next_ = 0;
  RunRest();
  mutex_.Await(absl::Condition(this, &ThreadPool::IsDone));
  count_ = next_ = 0;
}

void ThreadPool::Work() {
  absl::MutexLock lock(&mutex_);
  for (;;) {
    mutex_.Await(absl::Condition(this, &ThreadPool::HasWork));
    if (stopping_) return;
    RunRest();
  }
}

void ThreadPool::RunRest() {
  while (next_ < count_) {
    const int i = next_++;
    ++running_;
    const absl::FunctionRef<void(int)> body = *body_;
    mutex_.Unlock();
    body(i);
    mutex_.Lock();
    --running_;
  }
}

}  // namespace foresight

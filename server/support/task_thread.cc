#include "server/support/task_thread.h"

#include <utility>

#include "server/support/niceness.h"

namespace foresight {

TaskThread::TaskThread(Options options)
    : options_(options), thread_([this] { Serve(); }) {}

TaskThread::~TaskThread() {
  {
    absl::MutexLock lock(&mutex_);
    ending_ = true;
  }
  thread_.join();
}

bool TaskThread::Run(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  if (waiting_.size() >= options_.max_waiting) return false;
  waiting_.push_back(std::move(task));
  return true;
}

void TaskThread::Serve() {
  AddNiceness(options_.nice);
  RequestSlice(absl::ZeroDuration());
  const auto has_work = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return ending_ || !waiting_.empty();
  };
  while (true) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&has_work));
      if (waiting_.empty()) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task();
  }
}

}  // namespace foresight

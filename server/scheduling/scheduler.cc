#include "server/scheduling/scheduler.h"

#include <utility>

#include "absl/time/clock.h"
#include "models/support/status_macros.h"

namespace foresight {

Scheduler::Scheduler(Options options)
    : queue_({options.max_queue, options.threads}) {
  threads_.reserve(options.threads);
  for (int i = 0; i < options.threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

Scheduler::~Scheduler() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

absl::StatusOr<bool> Scheduler::Submit(Task task) {
  const absl::Time now = absl::Now();
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const bool free, queue_.Push(task.decision, now));
  tasks_.emplace(task.decision.id, std::move(task.run));
  waiting_ = queue_.size();
  return free;
}

bool Scheduler::Withdraw(uint64_t id) {
  std::function<void(const Turn&)> task;  // Destroyed after the lock.
  absl::MutexLock lock(&mutex_);
  if (!queue_.Remove(id)) return false;
  waiting_ = queue_.size();
  const auto found = tasks_.find(id);
  task = std::move(found->second);
  tasks_.erase(found);
  return true;
}

void Scheduler::Hurry() {
  absl::MutexLock lock(&mutex_);
  hurrying_ = true;
}

void Scheduler::RunParallel(int count, absl::FunctionRef<void(int)> body) {
  SharedJob shared{ParallelJob(count, body)};
  if (count > 1 && idle() > 0) {
    absl::MutexLock lock(&mutex_);
    jobs_.push_back(&shared);
  }
  while (shared.job.RunOne()) {
  }
  absl::MutexLock lock(&mutex_);
  jobs_.remove(&shared);
  mutex_.Await(absl::Condition(
      +[](int* helpers) { return *helpers == 0; }, &shared.helpers));
}

void Scheduler::Work() {
  while (true) {
    Next next = Await();
    if (next.task) {
      Run(std::move(next));
    } else if (next.job != nullptr) {
      Help(*next.job);
    } else {
      return;  // Stopping, and all that was accepted has begun.
    }
  }
}

Scheduler::Next Scheduler::Await() {
  Next next;
  absl::MutexLock lock(&mutex_);
  ++idle_;
  mutex_.Await(absl::Condition(this, &Scheduler::HasWork));
  --idle_;
  if (const auto turn = queue_.Pop(absl::Now())) {
    next.turn = *turn;
    if (hurrying_) next.turn.until = absl::InfinitePast();
    waiting_ = queue_.size();
    const auto found = tasks_.find(turn->id);
    next.task = std::move(found->second);
    tasks_.erase(found);
  } else if ((next.job = JobToHelp()) != nullptr) {
    ++next.job->helpers;
  }
  return next;
}

void Scheduler::Run(Next next) {
  next.task(next.turn);
  next.task = nullptr;  // What it holds goes before the worker counts as free.
  absl::MutexLock lock(&mutex_);
  queue_.Finish(next.turn.id);
}

void Scheduler::Help(SharedJob& job) {
  while (waiting_ == 0 && job.job.RunOne()) {
  }
  absl::MutexLock lock(&mutex_);
  --job.helpers;
}

Scheduler::SharedJob* Scheduler::JobToHelp() const {
  for (SharedJob* job : jobs_) {
    if (job->job.has_more()) return job;
  }
  return nullptr;
}

bool Scheduler::HasWork() const {
  return stopping_ || queue_.size() > 0 || JobToHelp() != nullptr;
}

}  // namespace foresight

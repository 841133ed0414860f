#include "server/scheduling/timer.h"

#include <algorithm>
#include <chrono>

namespace foresight {

Timer::Timer(Clock clock)
    : clock_(std::move(clock)), thread_([this] { Work(); }) {}

Timer::Timer(Clock clock, NoThread) : clock_(std::move(clock)) {}

Timer::~Timer() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

uint64_t Timer::At(absl::Time when, std::function<void()> action) {
  std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t id = ++last_id_;
  const bool first = actions_.empty() || when < actions_.begin()->first.first;
  actions_.emplace(Key(when, id), std::move(action));
  times_.emplace(id, when);
  if (first) changed_.notify_one();
  return id;
}

void Timer::Cancel(uint64_t id) {
  std::function<void()> action;  // Destroyed after unlocking.
  std::lock_guard<std::mutex> lock(mutex_);
  const auto time = times_.find(id);
  if (time == times_.end()) return;
  const auto found = actions_.find(Key(time->second, id));
  action = std::move(found->second);
  actions_.erase(found);
  times_.erase(time);
}

void Timer::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    const absl::Duration wait = RunFirst(lock);
    if (wait == absl::InfiniteDuration()) {
      changed_.wait(lock);
    } else if (wait > absl::ZeroDuration()) {
      changed_.wait_for(
          lock, absl::ToChronoNanoseconds(std::min(wait, absl::Hours(1))));
    }
  }
}

void Timer::RunDue() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (RunFirst(lock) == absl::ZeroDuration()) {
  }
}

absl::Time Timer::next() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return actions_.empty() ? absl::InfiniteFuture()
                          : actions_.begin()->first.first;
}

absl::Duration Timer::RunFirst(std::unique_lock<std::mutex>& lock) {
  if (actions_.empty()) return absl::InfiniteDuration();
  const auto first = actions_.begin();
  const absl::Duration left = first->first.first - clock_();
  if (left > absl::ZeroDuration()) return left;
  std::function<void()> action = std::move(first->second);
  times_.erase(first->first.second);
  actions_.erase(first);
  lock.unlock();
  action();
  action = nullptr;  // Destroy it without the lock.
  lock.lock();
  return absl::ZeroDuration();
}

}  // namespace foresight

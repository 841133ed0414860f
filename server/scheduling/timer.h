// Runs actions at given times on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"
#include "server/support/clock.h"

namespace foresight {

// Thread-safe. Actions run one after another without a lock held, so they must
// be short. It uses the standard library's timed waits, which follow the
// monotonic clock; absl's follow the wall clock, which may jump.
class Timer {
 public:
  explicit Timer(Clock clock = MonotonicNow);
  // Makes a timer without a thread: a simulation calls RunDue.
  struct NoThread {};
  Timer(Clock clock, NoThread);
  // Drops the actions that are not due yet.
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs `action` once, at `when` or as soon as possible after it.
  // Returns an id to cancel it with, never 0.
  uint64_t At(absl::Time when, std::function<void()> action);

  // Runs the due actions, on this thread.
  void RunDue();
  // The time of the next action.
  absl::Time next() const;

  // Drops the action unless it is running or has run. Does not wait.
  void Cancel(uint64_t id);

 private:
  using Key = std::pair<absl::Time, uint64_t>;  // When, id.

  void Work();
  // Runs the first action if it is due. Returns how long to wait for it.
  absl::Duration RunFirst(std::unique_lock<std::mutex>& lock);

  const Clock clock_;
  mutable std::mutex mutex_;  // Guards all below.
  std::condition_variable changed_;
  bool stopping_ = false;
  uint64_t last_id_ = 0;
  std::map<Key, std::function<void()>> actions_;
  std::map<uint64_t, absl::Time> times_;  // In actions_, by id.
  std::thread thread_;                    // Last: it uses all of the above.
};

}  // namespace foresight

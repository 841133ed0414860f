// Something that happens, for threads that wait for it.
#pragma once

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace foresight {

// Thread-safe. Like absl::Notification, but its timed waits follow the
// monotonic clock. absl's follow the wall clock: after a jump of an hour they
// last an hour longer.
class Event {
 public:
  void Set();
  // Undoes Set. A thread that serves work in a loop clears the event before it
  // looks for work, so that it does not miss work that comes meanwhile.
  void Clear();
  // Returns true once it is set, false after `timeout`.
  bool WaitFor(absl::Duration timeout);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace foresight

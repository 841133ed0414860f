#include "server/support/event.h"

#include <chrono>

namespace foresight {

void Event::Set() {
  std::lock_guard<std::mutex> lock(mutex_);
  set_ = true;
  changed_.notify_all();
}

void Event::Clear() {
  std::lock_guard<std::mutex> lock(mutex_);
  set_ = false;
}

bool Event::WaitFor(absl::Duration timeout) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout),
                           [this] { return set_; });
}

}  // namespace foresight

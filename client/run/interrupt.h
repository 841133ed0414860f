// Turns Ctrl-C into a cancellation.
#pragma once

#include <atomic>
#include <thread>

#include "foresight/cancellation.h"

namespace foresight {

// While it lives, SIGINT and SIGTERM cancel `cancellation`, which must outlive
// it. A second signal ends the process at once with status 1. Make it before
// any other thread, so that no other thread takes the signals.
class InterruptWatch {
 public:
  explicit InterruptWatch(Cancellation* cancellation);
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

 private:
  std::atomic<bool> stopping_ = false;
  std::thread waiter_;
};

}  // namespace foresight

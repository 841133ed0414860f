// Ctrl-C, turned into a cancellation.
#pragma once

#include <atomic>
#include <thread>

#include "client/cancellation.h"

namespace foresight {

// From its construction on SIGINT and SIGTERM cancel `cancellation`, which
// must outlive it; a second one ends the process at once, with status 1. Make
// it before any other thread, so that none of them takes the signals.
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

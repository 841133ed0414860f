// Lets one thread end calls that other threads wait for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace foresight {

// Every call that uses it ends with CANCELLED soon after Cancel(); later ones
// end at once. It must outlive those calls.
//
// Thread-safe. Not for signal handlers: wait for the signal on a thread.
class Cancellation {
 public:
  // Stops watching when it is destroyed.
  class Watch {
   public:
    Watch(Cancellation* cancellation, uint64_t id)
        : cancellation_(cancellation), id_(id) {}
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Cancellation* const cancellation_;
    const uint64_t id_;
  };

  void Cancel();
  bool cancelled() const;

  // Returns true as soon as it is cancelled, false after `timeout`.
  bool WaitFor(absl::Duration timeout) const;

  // Runs `action` once on Cancel, or immediately if already cancelled. `action`
  // must own what it uses: it may run while its watch is being destroyed.
  std::unique_ptr<Watch> OnCancel(std::function<void()> action);

 private:
  mutable absl::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, std::function<void()>> actions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight

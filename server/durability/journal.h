// What happens to sessions, written to a StateStore by a thread of its own, so
// that no decision waits for a disk unless it has to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/saved_session.pb.h"
#include "server/durability/state_store.h"

namespace foresight {

// When a change has to be on the medium.
enum class Durability {
  kNone,      // When the server ends in order.
  kInterval,  // Within the interval.
  kEach,      // Before whoever caused it is answered.
};

// A store that fails does not stop the server: changes are dropped and counted
// until it works again, which is tried every `retry`. generation() tells that
// changes were lost: sessions are then kept again as a whole.
//
// Thread-safe. Calls back without a lock held, in the order of the calls.
class Journal {
 public:
  struct Options {
    Durability durability = Durability::kInterval;
    absl::Duration interval = absl::Seconds(1);  // Positive; for kInterval.
    absl::Duration retry = absl::Seconds(5);
    // Of changes that wait to be written; more is as if the store had failed.
    size_t max_bytes = size_t{256} << 20;
  };

  Journal(Options options, std::unique_ptr<StateStore> store);
  ~Journal();  // Writes what waits.

  void Replace(KeptName name, v1::SavedSession session);
  void Append(KeptName name, v1::SavedDecision decision);
  void Remove(KeptName name);
  void SetAside(KeptName name, std::string why);

  // Calls `done` once the changes so far are as safe as the durability asks
  // for: before it returns, or from the journal's thread.
  void WhenKept(std::function<void()> done) ABSL_LOCKS_EXCLUDED(mutex_);

  // Writes all changes so far. Errors: of the store.
  absl::Status Flush() ABSL_LOCKS_EXCLUDED(mutex_);

  Durability durability() const { return options_.durability; }
  // Grows whenever changes were lost; starts at 1.
  uint64_t generation() const { return generation_; }
  bool available() const { return available_; }
  uint64_t lost_changes() const { return lost_changes_; }

 private:
  void Add(StateChange change) ABSL_LOCKS_EXCLUDED(mutex_);
  void Serve() ABSL_LOCKS_EXCLUDED(mutex_);
  bool Due() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lose(size_t changes);

  const Options options_;
  const std::unique_ptr<StateStore> store_;  // The thread's.
  std::atomic<uint64_t> generation_ = 1;
  std::atomic<bool> available_ = true;
  std::atomic<uint64_t> lost_changes_ = 0;

  absl::Mutex mutex_;
  std::vector<StateChange> changes_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t flushes_asked_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t flushes_done_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_write_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace foresight

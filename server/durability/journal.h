// Writes changes of sessions to a StateStore on its own thread, so that no
// decision waits for a disk unless it has to.
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
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "proto/saved_session.pb.h"
#include "server/durability/durability.h"
#include "server/durability/keep_times.h"
#include "server/durability/state_store.h"
#include "server/support/event.h"

namespace foresight {

// A store that fails or hangs does not stop the server. While it fails, changes
// are dropped and counted, and the store is tried again every `retry`; a new
// generation() then tells callers to write sessions as a whole. While it hangs,
// changes wait for it, but no WhenKept takes longer than store_timeout.
//
// Thread-safe. Calls back without a lock held, in the order of the calls.
class Journal {
 public:
  struct Options {
    Durability durability = Durability::kInterval;
    absl::Duration interval = absl::Seconds(1);  // Positive; for kInterval.
    absl::Duration retry = absl::Seconds(2);
    // How long a caller waits for the store; positive.
    absl::Duration store_timeout = absl::Milliseconds(50);
    // The limit of waiting changes; beyond it they are dropped as if the store
    // had failed.
    size_t max_bytes = size_t{256} << 20;
    // Also tries the store when there is nothing to write: at the start and
    // every interval.
    bool probe = false;
    // Called for each session whose change the store refused: on the journal's
    // thread, before the waits for that change end. May be empty.
    std::function<void(const KeptName&)> fenced = nullptr;
  };

  Journal(Options options, std::unique_ptr<StateStore> store);
  ~Journal();  // Writes the waiting changes.

  void Create(KeptName name, v1::SavedSession session);
  void Replace(KeptName name, v1::SavedSession session);
  void Append(KeptName name, v1::SavedDecision decision);
  void Remove(KeptName name);
  void SetAside(KeptName name, std::string why);

  // Whether there is room for a change with `session`; else it is dropped.
  bool HasRoom(const KeptName& name, const v1::SavedSession& session)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Calls `done` when the changes so far are as safe as the durability asks
  // for, or after store_timeout. Calls it before returning, or from a thread of
  // the journal.
  void WhenKept(std::function<void()> done) ABSL_LOCKS_EXCLUDED(mutex_);
  // As WhenKept, but waits until the changes are on the medium.
  void WhenWritten(std::function<void()> done) ABSL_LOCKS_EXCLUDED(mutex_);
  // How long WhenKept is expected to take, judged by recent waits; 0 if it
  // calls `done` at once.
  absl::Duration expected_wait() const {
    return durability() == Durability::kEach && available()
               ? absl::Nanoseconds(expected_wait_ns_.load())
               : absl::ZeroDuration();
  }

  // Writes all changes so far. Errors: the store's.
  absl::Status Flush() ABSL_LOCKS_EXCLUDED(mutex_);

  // From now on each change is on the medium before the call that made it is
  // answered.
  void KeepEach() { durability_ = Durability::kEach; }

  Durability durability() const { return durability_; }
  // Grows whenever changes were lost; starts at 1.
  uint64_t generation() const { return generation_; }
  // Whether the store works: it neither fails nor hangs.
  bool available() const { return !failing_ && !hanging_; }
  // How often the store began to fail or to hang.
  uint64_t failures() const { return failures_; }
  uint64_t lost_changes() const { return lost_changes_; }

 private:
  struct Waiter {
    absl::Time since;
    std::function<void()> done;
  };

  void Add(StateChange change) ABSL_LOCKS_EXCLUDED(mutex_);
  void Lose(size_t changes);
  // The thread that writes.
  void Serve() ABSL_LOCKS_EXCLUDED(mutex_);
  // Calls back the waiters whose changes have been written.
  void Tell(const std::vector<Waiter>& told);
  // Errors: the store's; then the changes are lost.
  absl::Status WriteNow(const std::vector<StateChange>& changes)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Logs that the store works again, or why it has stopped working.
  void Note(bool works, absl::string_view why);
  // The thread that ends overlong waits.
  void Watch() ABSL_LOCKS_EXCLUDED(mutex_);

  const Options options_;
  const std::unique_ptr<StateStore> store_;  // Used by the writing thread.
  std::atomic<Durability> durability_;
  std::atomic<uint64_t> generation_ = 1;
  std::atomic<bool> failing_ = false;  // Its last write failed.
  std::atomic<bool> hanging_ = false;  // Its write exceeds store_timeout.
  std::atomic<uint64_t> failures_ = 0;
  std::atomic<uint64_t> lost_changes_ = 0;
  // Without the waits that Watch ends: while the store hangs, nobody waits.
  KeepTimes keep_times_;  // Used by the writing thread.
  std::atomic<int64_t> expected_wait_ns_ = 0;

  absl::Mutex mutex_;
  std::vector<StateChange> changes_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // Waiters for changes that are being written, and for those in changes_; the
  // oldest first.
  std::vector<Waiter> writing_ ABSL_GUARDED_BY(mutex_);
  std::vector<Waiter> waiting_ ABSL_GUARDED_BY(mutex_);
  bool watch_idle_ ABSL_GUARDED_BY(mutex_) = false;  // Nobody waits.
  uint64_t flushes_asked_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t flushes_done_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_write_ ABSL_GUARDED_BY(mutex_);
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;

  Event due_;      // There is something to write, or the end has come.
  Event watched_;  // Somebody waits, or the end has come.
  std::thread writer_;
  std::thread watcher_;
};

}  // namespace foresight

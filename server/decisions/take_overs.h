// Brings sessions here from another server, or from this one before a restart.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "server/durability/state_store.h"
#include "server/sessions/session_name.h"
#include "server/sessions/session_store.h"

namespace foresight {

// The store makes this server the owner of a session atomically. If two servers
// try, the later one gets the session, and changes by the earlier one are
// refused from then on.
//
// Thread-safe. Calls back without a lock held.
class TakeOvers {
 public:
  struct Options {
    // Each thread opens its own store. With 0, only TakeNext makes take-overs.
    int threads = 2;
    size_t max_waiting = 1024;  // Sessions.
  };
  struct Parts {
    std::function<std::unique_ptr<SharedStore>()> open_store;
    SessionStore* sessions;
    // Opens a session that was taken over.
    std::function<absl::Status(const KeptSession&)> resume;
    // Called when another server has taken over a session that was here.
    std::function<void(const SessionName&)> lost;
  };
  using Done = std::function<void(const absl::Status&)>;

  TakeOvers(Options options, Parts parts);
  ~TakeOvers() { Stop(); }

  // Makes sure that the newest state of the session is here, if there is one.
  // `known_epoch`: the session's highest epoch that the caller has seen, or 0.
  // Calls `done` once: before it returns, or on a thread of its own.
  // Errors:
  //   SESSION_UNKNOWN:   neither this server nor the store has it.
  //   STORE_UNAVAILABLE: only the store could tell, and it does not answer.
  //   SESSION_MOVED:     very many sessions are waiting already.
  //   DRAINING:          after Stop.
  //   and those of `resume`.
  void Start(const SessionName& name, uint64_t known_epoch, Done done)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes the next take-over through `store`, for a simulation, which has no
  // threads. Returns false if none waits.
  bool TakeNext(SharedStore& store) ABSL_LOCKS_EXCLUDED(mutex_);

  // Ends the running take-overs and answers the waiting ones.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Task {
    std::string identity, id;
    uint64_t known_epoch = 0;
    std::vector<Done> waiting;
  };

  void Serve() ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Take(const Task& task, SharedStore& store) const;

  const Options options_;
  const Parts parts_;

  absl::Mutex mutex_;
  // The waiting and running tasks by key, and the keys of the waiting in order.
  absl::flat_hash_map<std::string, Task> tasks_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::string> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace foresight

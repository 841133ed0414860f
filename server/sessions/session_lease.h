// The exclusive right to use a session, for one decision or one restart.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/sessions/session_restart.h"
#include "server/sessions/session_state.h"

namespace foresight {

class SessionStore;

// Told when the decision that it waits for ends: its answer, or null when it
// came to nothing (begin again then).
using DecisionWaiter =
    std::function<void(std::shared_ptr<const v1::ActResponse>)>;

// A running decision (or restart) as the store sees it. Internal to sessions/.
struct SessionFlight {
  std::vector<float> observation;                // [S]; empty for a restart.
  std::shared_ptr<std::atomic<bool>> cancelled;  // Null for a restart.
  std::vector<DecisionWaiter> waiters;           // Guarded by the store.
};

// Holds a session until it is destroyed or one of Commit, Restart, Install and
// Abort is called, each of which empties it. While it is held nobody else
// touches the session and it does not expire, but it may be closed, or dropped
// as another server has taken it over: then each of the four says
// SESSION_MOVED.
//
// Not thread-safe; may move between threads. Must not outlive its store.
class SessionLease {
 public:
  SessionLease() = default;
  SessionLease(SessionLease&&) = default;
  SessionLease& operator=(SessionLease&&) = default;
  // As Abort, with the time at which the lease began.
  ~SessionLease() = default;

  bool held() const { return hold_ != nullptr; }
  // Requires held(), as all below.
  SessionState& session() const;
  absl::Span<const float> observation() const;  // [S], of this decision.

  // The decision was made: `parameters` are already the new ones; counts it,
  // remembers `answer` for retries and gives it to those who wait.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Commit(std::shared_ptr<const v1::ActResponse> answer,
                      absl::Time now);

  // The session begins again as `restart` says.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Restart(SessionRestart restart, absl::Time now);

  // The session that Open was given exists from now on, as it is.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Install(absl::Time now);

  // The decision came to nothing: the session is as before it. Whoever has
  // changed `parameters` commits instead.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Abort(absl::Time now);

 private:
  friend class SessionStore;
  struct Entry;
  struct Hold {
    SessionStore* store;
    std::shared_ptr<Entry> entry;
    std::shared_ptr<SessionFlight> flight;
    absl::Time begun;
  };
  struct EndHold {
    void operator()(Hold* hold) const;
  };

  std::unique_ptr<Hold, EndHold> hold_;
};

}  // namespace foresight

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

// Called when the awaited decision ends, with its answer, or with null if it
// failed; the waiting caller must then begin again.
using DecisionWaiter =
    std::function<void(std::shared_ptr<const v1::ActResponse>)>;

// A running decision or restart, as the store sees it. Internal to sessions/.
struct SessionFlight {
  std::vector<float> observation;                // [S]; empty for a restart.
  std::shared_ptr<std::atomic<bool>> cancelled;  // Null for a restart.
  std::vector<DecisionWaiter> waiters;           // Guarded by the store.
};

// Holds a session until the lease is destroyed or ended by one of Commit,
// Restart, Install and Abort, each of which leaves it empty. Until then nobody
// else touches the session and it does not expire. But it may be closed, or
// dropped because another server has taken it over: in the second case each of
// the four returns SESSION_MOVED.
//
// Not thread-safe; may move between threads. Must not outlive its store.
class SessionLease {
 public:
  SessionLease() = default;
  SessionLease(SessionLease&&) = default;
  SessionLease& operator=(SessionLease&&) = default;
  // Calls Abort with the time at which the lease began.
  ~SessionLease() = default;

  bool held() const { return hold_ != nullptr; }
  // This and all below require held().
  SessionState& session() const;
  absl::Span<const float> observation() const;  // [S], of this decision.

  // Commits a decision whose new `parameters` are already in place: counts it,
  // remembers `answer` for retries and gives it to the waiters.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Commit(std::shared_ptr<const v1::ActResponse> answer,
                      absl::Time now);

  // The session begins again as `restart` says.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Restart(SessionRestart restart, absl::Time now);

  // Makes the session given to Open exist as it is.
  // Errors: SESSION_UNKNOWN: the session was closed meanwhile.
  absl::Status Install(absl::Time now);

  // Gives up the decision: the session stays as it was before. Not allowed if
  // `parameters` were changed; then commit.
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

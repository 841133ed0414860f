// All open sessions, and the rules by which their decisions follow one another:
// a decision is atomic, a retry gets the same answer, and state is never lost
// silently.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/sessions/session_lease.h"
#include "server/sessions/session_name.h"
#include "server/sessions/session_page.h"
#include "server/sessions/session_state.h"

namespace foresight {

// Reads no clock: callers pass the time, and the call's connection (empty: not
// known). A session that has been idle for its timeout is gone for all callers
// at once; Expire frees it.
//
// Thread-safe. Waiters are called without a lock held, on the thread that ends
// the decision.
class SessionStore {
 public:
  struct Options {
    size_t max_sessions = 1024;  // >= 1
    // >= 1. Sessions without an owner have no such limit; they are those that
    // were brought back for callers without an identity.
    size_t max_per_owner = 768;
    // The most that the psi of all sessions may come to own (most_psi_bytes).
    size_t max_psi_bytes = size_t{4} << 30;
    // A session whose connection was lost expires this long after its last
    // use, if that is sooner than its idle timeout.
    absl::Duration lost_timeout = absl::Seconds(10);
    // Called for each session that is closed or expires; may read only the
    // fields fixed at its opening. May be empty.
    std::function<void(const SessionState&)> ended = nullptr;
  };

  struct DecisionRequest {
    absl::string_view session_id;
    std::optional<uint64_t> decision_index;  // None: the next one.
    absl::Span<const float> observation;     // [S]
    // Not null. The store sets it when the session is closed and never clears
    // it; the caller may set it at any time.
    std::shared_ptr<std::atomic<bool>> cancelled;
    absl::string_view connection;
    absl::string_view identity = {};  // The caller's; empty: none.
    uint64_t epoch = 0;  // The session's highest epoch that the caller saw.
  };
  // Tells one life of a session from another.
  struct Mark {
    uint64_t incarnation = 0;
    uint64_t epoch = 0;
  };
  struct Waiting {};
  // A lease to make the decision, or the answer of a decision already made, or
  // Waiting: the same decision is in flight and the waiter will be called.
  using Admission =
      std::variant<SessionLease, std::shared_ptr<const v1::ActResponse>,
                   Waiting>;

  explicit SessionStore(Options options) : options_(std::move(options)) {}

  // Reserves the name and a place. The session exists once the lease is
  // restarted or installed; if the lease is dropped, the session vanishes.
  // Errors: SESSION_EXISTS; SESSIONS_FULL: there are too many sessions, or the
  // owner has too many.
  absl::StatusOr<SessionLease> Open(SessionState session, absl::Time now,
                                    absl::string_view connection = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Errors:
  //   SESSION_UNKNOWN:     never opened, closed or expired.
  //   OBSERVATION_INVALID: the number of values differs from the model's.
  //   DECISION_CHANGED:    the index was answered for another observation, or
  //                        its answer is no longer remembered.
  //   DECISION_SKIPPED:    the index is ahead.
  //   DECISION_IN_FLIGHT:  another decision of the session is running, or too
  //                        many retries of this one are waiting.
  //   SESSION_MOVED:       the caller has seen a higher epoch, so the session
  //                        here is out of date.
  absl::StatusOr<Admission> Begin(const DecisionRequest& request,
                                  DecisionWaiter waiter, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Leases a session to restart it. Errors: SESSION_UNKNOWN;
  // DECISION_IN_FLIGHT.
  absl::StatusOr<SessionLease> Acquire(const SessionName& name, absl::Time now,
                                       absl::string_view connection = {})
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Leases a session between two decisions, to look at it. If a decision is
  // running, the waiter is called when it ends and must then acquire again.
  // Errors: SESSION_UNKNOWN; DECISION_IN_FLIGHT: the session is being opened or
  // reset, or too many callers are waiting for the decision.
  absl::StatusOr<std::variant<SessionLease, Waiting>> AcquireBetween(
      const SessionName& name, DecisionWaiter waiter, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Closes a session and cancels its running decision. Errors: SESSION_UNKNOWN.
  absl::Status Close(const SessionName& name, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Drops a session that another server has, unless a later incarnation or
  // epoch of it is here. Cancels its running decision, if any. Returns false if
  // there is none to drop. Does not call `ended`.
  bool Drop(const SessionName& name, uint64_t incarnation, uint64_t epoch)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // None if it is not open.
  std::optional<Mark> Find(const SessionName& name) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Tells the store that only these connections are left. Sessions last used on
  // any other connection are lost until they are used again.
  void KeepConnections(const absl::flat_hash_set<std::string>& alive)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Frees the sessions whose idle timeout is over; returns their ids.
  std::vector<std::string> Expire(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  // Identity and id of all open sessions.
  std::vector<std::pair<std::string, std::string>> Names() const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // At most `most` (>= 1) open sessions beyond `after`, by id and then by
  // identity. Pages read one after another hold each session that stays open
  // exactly once; they may lack sessions that come or go.
  SessionPage List(const std::optional<SessionPosition>& after, size_t most,
                   absl::Time now) const ABSL_LOCKS_EXCLUDED(mutex_);

  // The model of each open session.
  std::vector<std::shared_ptr<const LoadedModel>> Models() const
      ABSL_LOCKS_EXCLUDED(mutex_);

  // No session expires before this.
  absl::Time next_expiry() const ABSL_LOCKS_EXCLUDED(mutex_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mutex_);
  // Memory of the parameters that sessions do not share with their model.
  size_t owned_bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  friend class SessionLease;
  using Entry = SessionLease::Entry;

  // Errors: SESSION_UNKNOWN.
  absl::StatusOr<std::shared_ptr<Entry>> FindOpen(const SessionName& name,
                                                  absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The answer of a past decision. Errors: DECISION_CHANGED.
  absl::StatusOr<Admission> Repeat(Entry& entry, uint64_t index,
                                   absl::Span<const float> observation,
                                   absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Errors: DECISION_IN_FLIGHT.
  absl::StatusOr<SessionLease> LeaseIdle(std::shared_ptr<Entry> entry,
                                         absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SessionLease Lease(std::shared_ptr<Entry> entry,
                     std::shared_ptr<SessionFlight> flight, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Removes the entry from the store and cancels its running decision.
  void Remove(const std::shared_ptr<Entry>& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the lease after `change`, then gives `answer` to the waiters.
  // Errors: SESSION_UNKNOWN; SESSION_MOVED.
  absl::Status End(SessionLease::Hold& hold,
                   absl::FunctionRef<void(SessionState&)> change,
                   const std::shared_ptr<const v1::ActResponse>& answer,
                   absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  static void Remember(absl::string_view connection, Entry& entry);
  absl::Time ExpiryOf(const Entry& entry) const;
  bool Expired(const Entry& entry, absl::Time now) const;
  absl::Duration RetryAfter(absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountBytes(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Uncounts a session that leaves the store.
  void Forget(const Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  mutable absl::Mutex mutex_;
  // The keys point into the sessions of their entries.
  absl::flat_hash_map<SessionName, std::shared_ptr<Entry>> entries_
      ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, size_t> owners_ ABSL_GUARDED_BY(mutex_);
  size_t owned_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t reserved_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  // A lower bound: leases only put an expiry off.
  absl::Time next_expiry_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
};

}  // namespace foresight

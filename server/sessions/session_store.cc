#include "server/sessions/session_store.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/sessions/session_entry.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// The most retries that may wait for one decision; each keeps its request in
// memory.
constexpr size_t kMaxWaiters = 64;

// Enough of an id to find it in a log, whatever a client sent.
std::string Quoted(absl::string_view session_id) {
  const bool is_long = session_id.size() > 128;
  return absl::StrCat("\"", absl::CHexEscape(session_id.substr(0, 128)),
                      is_long ? "...\"" : "\"");
}

absl::Status Unknown(absl::string_view session_id) {
  return MakeError(
      Reason::kSessionUnknown,
      session_id.empty()
          ? "no session is named, expected the id of an open one"
          : absl::StrCat("session ", Quoted(session_id),
                         " is not open: never opened, closed, expired or "
                         "lost"));
}

absl::Status Moved(absl::string_view session_id) {
  return MakeError(Reason::kSessionMoved,
                   absl::StrCat("another server has taken over session ",
                                Quoted(session_id), ", or had it last"),
                   absl::ZeroDuration());
}

SessionName NameOf(const SessionState& session) {
  return {session.identity, session.id};
}

// Compares bytes, as a retry repeats them: a NaN equals itself and -0 is not 0.
bool SameBits(absl::Span<const float> a, absl::Span<const float> b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

absl::StatusOr<SessionLease> SessionStore::Open(SessionState session,
                                                absl::Time now,
                                                absl::string_view connection) {
  auto entry = std::make_shared<Entry>();
  entry->session = std::move(session);
  Remember(connection, *entry);
  entry->last_used = now;
  absl::MutexLock lock(&mutex_);
  const SessionName name = NameOf(entry->session);
  if (entries_.contains(name)) {
    return MakeError(Reason::kSessionExists,
                     absl::StrCat("session ", Quoted(name.id),
                                  " is open, expected a new id"));
  }
  if (entries_.size() >= options_.max_sessions) {
    return MakeError(Reason::kSessionsFull,
                     absl::StrCat(entries_.size(),
                                  " sessions are open, expected fewer than ",
                                  options_.max_sessions),
                     RetryAfter(now));
  }
  const size_t psi_bytes = entry->session.most_psi_bytes;
  if (psi_bytes > options_.max_psi_bytes - reserved_bytes_) {
    return MakeError(Reason::kSessionsFull,
                     absl::StrCat("the policies of the open sessions may take ",
                                  reserved_bytes_, " bytes, expected at most ",
                                  options_.max_psi_bytes, " with the ",
                                  psi_bytes, " of this one"),
                     RetryAfter(now));
  }
  size_t& owned = owners_[entry->session.owner];
  const bool known = !entry->session.owner.empty();
  if (known && owned >= options_.max_per_owner) {
    return MakeError(Reason::kSessionsFull,
                     absl::StrCat("this client has ", owned,
                                  " sessions open, expected fewer than ",
                                  options_.max_per_owner),
                     absl::Seconds(1));
  }
  ++owned;
  reserved_bytes_ += entry->reserved_bytes = psi_bytes;
  entries_.emplace(name, entry);
  next_expiry_ = std::min(next_expiry_, ExpiryOf(*entry));
  return Lease(std::move(entry), std::make_shared<SessionFlight>(), now);
}

absl::StatusOr<SessionStore::Admission> SessionStore::Begin(
    const DecisionRequest& request, DecisionWaiter waiter, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(auto entry,
                   FindOpen({request.identity, request.session_id}, now));
  const SessionState& session = entry->session;
  if (request.epoch > session.epoch) return Moved(session.id);
  Remember(request.connection, *entry);
  if (request.observation.size() != session.observation_size) {
    return MakeError(
        Reason::kObservationInvalid,
        absl::StrCat("observation has ", request.observation.size(),
                     " values, expected ", session.observation_size));
  }
  const uint64_t next = session.next_decision;
  const uint64_t index = request.decision_index.value_or(next);
  if (index < next) return Repeat(*entry, index, request.observation, now);
  if (const auto& flight = entry->flight) {
    if (request.decision_index == next && flight->cancelled &&
        flight->waiters.size() < kMaxWaiters &&
        SameBits(flight->observation, request.observation)) {
      flight->waiters.push_back(std::move(waiter));
      return Waiting();
    }
    if (index <= next + 1) {
      return MakeError(Reason::kDecisionInFlight,
                       flight->cancelled
                           ? absl::StrCat("decision ", next, " of session ",
                                          Quoted(session.id), " is running")
                           : absl::StrCat("session ", Quoted(session.id),
                                          " is being opened or reset"));
    }
  }
  if (index > next) {
    return SkippedError(index, next);
  }
  auto flight = std::make_shared<SessionFlight>();
  flight->observation.assign(request.observation.begin(),
                             request.observation.end());
  flight->cancelled = request.cancelled;
  return Lease(std::move(entry), std::move(flight), now);
}

absl::StatusOr<SessionStore::Admission> SessionStore::Repeat(
    Entry& entry, uint64_t index, absl::Span<const float> observation,
    absl::Time now) {
  const SessionState& session = entry.session;
  if (index + 1 < session.next_decision) {
    return MakeError(
        Reason::kDecisionChanged,
        absl::StrCat("decision_index is ", index, ", expected ",
                     session.next_decision, ", or ", session.next_decision - 1,
                     " to get its answer again"));
  }
  if (!SameBits(session.last_observation, observation)) {
    return MakeError(
        Reason::kDecisionChanged,
        absl::StrCat("decision ", index,
                     " was answered for another observation, expected the "
                     "same one again, or decision_index ",
                     session.next_decision));
  }
  entry.last_used = std::max(entry.last_used, now);
  return session.last_answer;
}

absl::StatusOr<SessionLease> SessionStore::Acquire(
    const SessionName& name, absl::Time now, absl::string_view connection) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(auto entry, FindOpen(name, now));
  Remember(connection, *entry);
  return LeaseIdle(std::move(entry), now);
}

absl::StatusOr<std::variant<SessionLease, SessionStore::Waiting>>
SessionStore::AcquireBetween(const SessionName& name, DecisionWaiter waiter,
                             absl::Time now) {
  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(auto entry, FindOpen(name, now));
  const auto& flight = entry->flight;
  if (flight && flight->cancelled && flight->waiters.size() < kMaxWaiters) {
    flight->waiters.push_back(std::move(waiter));
    return Waiting();
  }
  return LeaseIdle(std::move(entry), now);
}

absl::StatusOr<SessionLease> SessionStore::LeaseIdle(
    std::shared_ptr<Entry> entry, absl::Time now) {
  if (entry->flight) {
    return MakeError(
        Reason::kDecisionInFlight,
        absl::StrCat("decision ", entry->session.next_decision, " of session ",
                     Quoted(entry->session.id), " is running, expected none"));
  }
  return Lease(std::move(entry), std::make_shared<SessionFlight>(), now);
}

absl::Status SessionStore::Close(const SessionName& name, absl::Time now) {
  std::shared_ptr<Entry> entry;
  {
    absl::MutexLock lock(&mutex_);
    ASSIGN_OR_RETURN(entry, FindOpen(name, now));
    Remove(entry);
  }
  if (options_.ended) options_.ended(entry->session);
  return absl::OkStatus();
}

bool SessionStore::Drop(const SessionName& name, uint64_t incarnation,
                        uint64_t epoch) {
  std::shared_ptr<Entry> entry;  // Freed without the lock.
  absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end() || it->second->session.incarnation != incarnation ||
      it->second->session.epoch > epoch) {
    return false;
  }
  entry = it->second;
  entry->moved = true;
  Remove(entry);
  return true;
}

void SessionStore::Remove(const std::shared_ptr<Entry>& entry) {
  entry->closed = true;
  Forget(*entry);
  if (entry->flight && entry->flight->cancelled) {
    *entry->flight->cancelled = true;
  }
  entries_.erase(NameOf(entry->session));
}

std::optional<SessionStore::Mark> SessionStore::Find(
    const SessionName& name) const {
  absl::MutexLock lock(&mutex_);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return std::nullopt;
  return Mark{it->second->session.incarnation, it->second->session.epoch};
}

std::vector<std::string> SessionStore::Expire(absl::Time now) {
  std::vector<std::shared_ptr<Entry>> expired;
  {
    absl::MutexLock lock(&mutex_);
    if (now < next_expiry_) return {};
    next_expiry_ = absl::InfiniteFuture();
    for (auto it = entries_.begin(); it != entries_.end();) {
      Entry& entry = *it->second;
      if (Expired(entry, now)) {
        entry.closed = true;
        Forget(entry);
        expired.push_back(it->second);  // Keeps the key alive.
        entries_.erase(it++);
      } else {
        next_expiry_ = std::min(next_expiry_, ExpiryOf(entry));
        ++it;
      }
    }
  }
  std::vector<std::string> ids;
  for (const auto& entry : expired) {
    ids.push_back(entry->session.id);
    if (options_.ended) options_.ended(entry->session);
  }
  return ids;
}

void SessionStore::Remember(absl::string_view connection, Entry& entry) {
  if (connection.empty()) return;
  entry.connection = std::string(connection);
  entry.lost = false;
}

absl::Time SessionStore::ExpiryOf(const Entry& entry) const {
  const absl::Duration timeout = entry.session.idle_timeout;
  return entry.last_used +
         (entry.lost ? std::min(timeout, options_.lost_timeout) : timeout);
}

bool SessionStore::Expired(const Entry& entry, absl::Time now) const {
  return !entry.flight && now >= ExpiryOf(entry);
}

// The time until a place may be free.
absl::Duration SessionStore::RetryAfter(absl::Time now) const {
  return std::clamp(next_expiry_ - now, absl::Milliseconds(100),
                    absl::Minutes(1));
}

void SessionStore::CountBytes(Entry& entry) {
  const auto& parameters = entry.session.parameters;
  const size_t bytes = parameters == nullptr ? 0 : parameters->owned_bytes();
  owned_bytes_ += bytes - entry.owned_bytes;
  entry.owned_bytes = bytes;
}

void SessionStore::Forget(const Entry& entry) {
  owned_bytes_ -= entry.owned_bytes;
  reserved_bytes_ -= entry.reserved_bytes;
  const auto owner = owners_.find(entry.session.owner);
  if (--owner->second == 0) owners_.erase(owner);
}

void SessionStore::KeepConnections(
    const absl::flat_hash_set<std::string>& alive) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [name, entry] : entries_) {
    entry->lost =
        !entry->connection.empty() && !alive.contains(entry->connection);
    if (entry->lost) next_expiry_ = std::min(next_expiry_, ExpiryOf(*entry));
  }
}

std::vector<std::pair<std::string, std::string>> SessionStore::Names() const {
  absl::MutexLock lock(&mutex_);
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& [name, entry] : entries_) {
    names.emplace_back(entry->session.identity, entry->session.id);
  }
  return names;
}

absl::Time SessionStore::next_expiry() const {
  absl::MutexLock lock(&mutex_);
  return next_expiry_;
}

size_t SessionStore::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size();
}

size_t SessionStore::owned_bytes() const {
  absl::MutexLock lock(&mutex_);
  return owned_bytes_;
}

absl::StatusOr<std::shared_ptr<SessionStore::Entry>> SessionStore::FindOpen(
    const SessionName& name, absl::Time now) const {
  const auto it = entries_.find(name);
  if (it == entries_.end() || Expired(*it->second, now)) {
    return Unknown(name.id);
  }
  return it->second;
}

SessionLease SessionStore::Lease(std::shared_ptr<Entry> entry,
                                 std::shared_ptr<SessionFlight> flight,
                                 absl::Time now) {
  entry->flight = flight;
  entry->last_used = std::max(entry->last_used, now);
  SessionLease lease;
  lease.hold_.reset(
      new SessionLease::Hold{this, std::move(entry), std::move(flight), now});
  return lease;
}

absl::Status SessionStore::End(
    SessionLease::Hold& hold, absl::FunctionRef<void(SessionState&)> change,
    const std::shared_ptr<const v1::ActResponse>& answer, absl::Time now) {
  std::vector<DecisionWaiter> waiters;
  std::shared_ptr<SessionFlight> flight;
  bool closed, moved;
  {
    Entry& entry = *hold.entry;
    absl::MutexLock lock(&mutex_);
    closed = entry.closed;
    moved = entry.moved;
    if (!closed) {
      change(entry.session);
      entry.last_used = std::max(entry.last_used, now);
      CountBytes(entry);
      if (!entry.opened) {
        Forget(entry);
        entries_.erase(NameOf(entry.session));
      }
    }
    flight.swap(entry.flight);
    waiters.swap(flight->waiters);
  }
  for (const DecisionWaiter& waiter : waiters) {
    waiter(closed ? nullptr : answer);
  }
  if (!closed) return absl::OkStatus();
  const std::string& id = hold.entry->session.id;
  return moved ? Moved(id) : Unknown(id);
}

}  // namespace foresight

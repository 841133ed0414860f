#include "server/decisions/session_keeper.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/decisions/saved_session.h"
#include "server/support/clock.h"

namespace foresight {

namespace {

// The longest wait for running decisions.
constexpr absl::Duration kDecisionTime = absl::Seconds(1);

KeptName NameOf(const SessionState& session) {
  return {KeyOf({session.identity, session.id}), session.incarnation,
          session.epoch};
}

// Waits until the session's decision has ended, but not after `give_up`.
// Errors: as SessionStore::Acquire.
absl::StatusOr<SessionLease> AwaitLease(SessionStore& sessions,
                                        const SessionName& name, absl::Time now,
                                        absl::Time give_up) {
  while (true) {
    auto lease = sessions.Acquire(name, now);
    if (!absl::IsAborted(lease.status()) || MonotonicNow() > give_up) {
      return lease;
    }
    absl::SleepFor(absl::Milliseconds(1));
  }
}

}  // namespace

std::string KeyOf(const SessionName& name) {
  return absl::StrCat(name.identity, "\n", name.id);
}

SessionName NameIn(absl::string_view key) {
  const size_t end = key.find('\n');
  return {key.substr(0, end), key.substr(end + 1)};
}

void SessionKeeper::Began(SessionState& session) const {
  if (!keeps_decisions()) return;
  session.kept = {journal_->generation(), 0, 0};
  journal_->Create(NameOf(session), Save(session));
}

void SessionKeeper::BeginsAnew(SessionState& session,
                               const SessionRestart& restart) const {
  if (keeps_decisions()) Replace(session, SaveAnew(session, restart));
}

void SessionKeeper::Replace(SessionState& session,
                            v1::SavedSession whole) const {
  session.kept = {journal_->generation(), 0, 0};
  journal_->Replace(NameOf(session), std::move(whole));
}

void SessionKeeper::Decided(SessionState& session,
                            absl::Span<const float> observation,
                            const v1::ActResponse& answer) const {
  if (!keeps_decisions()) return;
  v1::SavedDecision decision;
  decision.mutable_observation()->Add(observation.begin(), observation.end());
  *decision.mutable_answer() = answer;
  SessionState::Kept& kept = session.kept;
  kept.steps += static_cast<int>(answer.report().steps_done());
  ++kept.decisions;
  // Do not copy psi while the journal is failing: when it works again its
  // generation differs, and the session is kept as a whole.
  if (!journal_->available() || (kept.generation == journal_->generation() &&
                                 kept.steps < options_.replay_limit &&
                                 kept.decisions < 10 * options_.replay_limit)) {
    return journal_->Append(NameOf(session), std::move(decision));
  }
  v1::SavedSession whole = Save(session);
  whole.set_next_decision(session.next_decision + 1);
  *whole.mutable_last_decision() = std::move(decision);
  Replace(session, std::move(whole));
}

void SessionKeeper::Ended(const SessionState& session) const {
  if (keeps_decisions()) journal_->Remove(NameOf(session));
}

void SessionKeeper::WhenKept(std::function<void()> done) const {
  journal_ != nullptr ? journal_->WhenKept(std::move(done)) : done();
}

absl::Duration SessionKeeper::ExpectedWait() const {
  return journal_ != nullptr ? journal_->expected_wait() : absl::ZeroDuration();
}

void SessionKeeper::WhenBegun(std::function<void()> done) const {
  options_.shared&& keeps_decisions() ? journal_->WhenWritten(std::move(done))
                                      : WhenKept(std::move(done));
}

bool SessionKeeper::Works() const {
  return journal_ == nullptr || journal_->available();
}

absl::StatusOr<int> SessionKeeper::KeepAll(SessionStore& sessions,
                                           absl::Time now) const {
  if (journal_ == nullptr) return 0;
  kept_all_ = true;  // First, so that a session's end is recorded.
  const absl::Time give_up = MonotonicNow() + kDecisionTime;
  int kept = 0;
  for (const auto& [identity, id] : sessions.Names()) {
    const auto lease = AwaitLease(sessions, {identity, id}, now, give_up);
    if (!lease.ok()) continue;  // Ended, or its decision still runs.
    SessionState& session = lease->session();
    // It may have been kept by its own decision meanwhile.
    if (session.kept.generation != journal_->generation()) {
      v1::SavedSession whole = Save(session);
      if (!journal_->HasRoom(NameOf(session), whole)) (void)journal_->Flush();
      Replace(session, std::move(whole));
    }
    ++kept;
  }
  const absl::Status flushed = journal_->Flush();
  if (!flushed.ok()) return flushed;
  return kept;
}

absl::Status SessionKeeper::PrepareToMove(SessionStore& sessions,
                                          absl::Time now) const {
  if (journal_ == nullptr) return absl::OkStatus();
  journal_->KeepEach();
  return KeepAll(sessions, now).status();
}

}  // namespace foresight

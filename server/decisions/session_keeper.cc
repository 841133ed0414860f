#include "server/decisions/session_keeper.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/decisions/saved_session.h"

namespace foresight {

namespace {

KeptName NameOf(const SessionState& session) {
  // No identity and no id holds a line's end.
  return {absl::StrCat(session.identity, "\n", session.id),
          session.incarnation};
}

// Waits for a reset or an export, which take no time.
absl::StatusOr<SessionLease> AcquireSoon(SessionStore& sessions,
                                         const SessionName& name,
                                         absl::Time now) {
  absl::StatusOr<SessionLease> lease = sessions.Acquire(name, now);
  for (int tries = 0; absl::IsAborted(lease.status()) && tries < 100; ++tries) {
    absl::SleepFor(absl::Milliseconds(1));
    lease = sessions.Acquire(name, now);
  }
  return lease;
}

}  // namespace

void SessionKeeper::Began(SessionState& session) const {
  if (keeps_decisions()) Replace(session, Save(session));
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
  // What is lost anyway need not be large: the whole is kept once the journal
  // works again, as its generation is another one then.
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

absl::StatusOr<int> SessionKeeper::KeepAll(SessionStore& sessions,
                                           absl::Time now) const {
  if (journal_ == nullptr) return 0;
  kept_all_ = true;  // Before the first is: none ends unseen.
  int kept = 0;
  for (const auto& [identity, id] : sessions.Names()) {
    const auto lease = AcquireSoon(sessions, {identity, id}, now);
    if (!lease.ok()) continue;  // It has just ended.
    journal_->Replace(NameOf(lease->session()), Save(lease->session()));
    ++kept;
  }
  const absl::Status flushed = journal_->Flush();
  if (!flushed.ok()) return flushed;
  return kept;
}

}  // namespace foresight

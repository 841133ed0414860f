#include "server/decisions/session_keeper.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/decisions/saved_session.h"

namespace foresight {

namespace {

KeptName NameOf(const SessionState& session) {
  // Identities and ids cannot contain a newline.
  return {absl::StrCat(session.identity, "\n", session.id),
          session.incarnation};
}

}  // namespace

void SessionKeeper::Began(SessionState& session) const {
  if (keeps_decisions()) Replace(session, Save(session));
}

void SessionKeeper::BeginsAnew(SessionState& session, uint64_t seed,
                               bool keep_policy) const {
  if (keeps_decisions()) Replace(session, SaveAnew(session, seed, keep_policy));
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

absl::StatusOr<int> SessionKeeper::KeepAll(SessionStore& sessions,
                                           absl::Time now) const {
  if (journal_ == nullptr) return 0;
  int kept = 0;
  for (const auto& [identity, id] : sessions.Names()) {
    const auto lease = sessions.Acquire({identity, id}, now);
    if (!lease.ok()) continue;  // The session has just ended.
    journal_->Replace(NameOf(lease->session()), Save(lease->session()));
    ++kept;
  }
  const absl::Status flushed = journal_->Flush();
  if (!flushed.ok()) return flushed;
  return kept;
}

}  // namespace foresight

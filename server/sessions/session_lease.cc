#include "server/sessions/session_lease.h"

#include <utility>

#include "server/sessions/session_entry.h"
#include "server/sessions/session_store.h"

namespace foresight {

SessionState& SessionLease::session() const { return hold_->entry->session; }

absl::Span<const float> SessionLease::observation() const {
  return hold_->flight->observation;
}

absl::Status SessionLease::Commit(std::shared_ptr<const v1::ActResponse> answer,
                                  absl::Time now) {
  const std::unique_ptr<Hold> hold(hold_.release());
  std::shared_ptr<const v1::ActResponse> remembered = answer;
  // The replaced values are freed without the lock, here and in Restart.
  return hold->store->End(
      *hold,
      [&](SessionState& session) {
        ++session.next_decision;
        session.resumed_from.reset();
        session.last_observation.swap(hold->flight->observation);
        session.last_answer.swap(remembered);
      },
      answer, now);
}

absl::Status SessionLease::Restart(SessionRestart restart, absl::Time now) {
  const std::unique_ptr<Hold> hold(hold_.release());
  std::shared_ptr<const v1::ActResponse> forgotten;
  return hold->store->End(
      *hold,
      [&](SessionState& session) {
        hold->entry->opened = true;
        if (restart.model != nullptr) {
          session.model.swap(restart.model);
          session.settings = restart.settings;
        }
        if (restart.parameters != nullptr) {
          session.parameters.swap(restart.parameters);
        }
        session.seed = restart.seed;
        session.next_decision = 0;
        session.resumed_from.reset();
        session.last_answer.swap(forgotten);
      },
      nullptr, now);
}

absl::Status SessionLease::Install(absl::Time now) {
  const std::unique_ptr<Hold> hold(hold_.release());
  return hold->store->End(
      *hold, [&](SessionState&) { hold->entry->opened = true; }, nullptr, now);
}

absl::Status SessionLease::Abort(absl::Time now) {
  const std::unique_ptr<Hold> hold(hold_.release());
  return hold->store->End(
      *hold, [](SessionState&) {}, nullptr, now);
}

void SessionLease::EndHold::operator()(Hold* hold) const {
  const absl::Time begun = hold->begun;
  SessionLease lease;
  lease.hold_.reset(hold);
  (void)lease.Abort(begun);  // There is nobody to report it to.
}

}  // namespace foresight

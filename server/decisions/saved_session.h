// A session's state and the form in which it is kept elsewhere.
#pragma once

#include "absl/status/status.h"
#include "proto/adaptation.pb.h"
#include "proto/saved_session.pb.h"
#include "server/sessions/session_restart.h"
#include "server/sessions/session_state.h"

namespace foresight {

v1::SavedSession Save(const SessionState& session);

// The session as `restart` will leave it.
v1::SavedSession SaveAnew(const SessionState& session,
                          const SessionRestart& restart);

// What opens a session like the saved one, at decision 0 with psi_0.
v1::OpenSessionRequest OpeningRequest(const v1::SavedSession& saved);

// Brings `session`, which OpeningRequest's checks have made, to where `saved`
// was, in the next epoch.
// Errors: WEIGHTS_DIFFER: the model has other weights now; SNAPSHOT_INVALID:
// psi, the last observation or the last answer is not one of that model's.
absl::Status Restore(const v1::SavedSession& saved, SessionState& session);

}  // namespace foresight

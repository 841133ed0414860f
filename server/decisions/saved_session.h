// Converts a session's state to the form that is kept elsewhere, and back.
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

// The request that opens a session like the saved one, at decision 0 with
// psi_0.
v1::OpenSessionRequest OpeningRequest(const v1::SavedSession& saved);

// Brings `session`, opened by OpeningRequest, to the state of `saved`, in the
// next epoch.
// Errors: WEIGHTS_DIFFER: the model has other weights now; SNAPSHOT_INVALID:
// psi, the last observation or the last answer does not fit the model.
absl::Status Restore(const v1::SavedSession& saved, SessionState& session);

}  // namespace foresight

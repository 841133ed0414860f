// Admin's list of the open sessions.
#pragma once

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/admin.pb.h"
#include "server/sessions/session_store.h"

namespace foresight {

// The page of `store`'s sessions that `request` asks for, as of `now`.
// Errors: SETTINGS_INVALID: page_size is above 1000, or page_token does not
// come from an earlier answer.
absl::StatusOr<v1::ListSessionsResponse> ListSessions(
    const v1::ListSessionsRequest& request, const SessionStore& store,
    absl::Time now);

}  // namespace foresight

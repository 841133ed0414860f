// Makes a session's recorded decisions again.
#pragma once

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "proto/saved_session.pb.h"
#include "server/sessions/session_state.h"

namespace foresight {

struct Replayed {
  int decisions = 0;
  // Decisions whose action differs in any bit from the recorded one; 0 on the
  // engine variant that recorded them.
  int different = 0;
};

// Makes `decisions`, which begin at session.next_decision, with as many steps
// as were done. The session then remembers the last recorded answer.
// Errors:
//   DataLoss: a decision is missing or does not fit the model; those before it
//             are made.
absl::StatusOr<Replayed> Replay(absl::Span<const v1::SavedDecision> decisions,
                                SessionState& session);

}  // namespace foresight

// Makes decisions again, so that a session is where it was.
#pragma once

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "proto/saved_session.pb.h"
#include "server/sessions/session_state.h"

namespace foresight {

struct Replayed {
  int decisions = 0;
  // Decisions whose action came out other than it was, to the bit. On the
  // variant of engine that made them there is none.
  int different = 0;
};

// Makes `decisions`, which follow session.next_decision, with the steps that
// were done; the session then remembers the last one's answer as it was given.
// Errors:
//   DataLoss: a decision is missing or not this model's; those before it are
//             made.
absl::StatusOr<Replayed> Replay(absl::Span<const v1::SavedDecision> decisions,
                                SessionState& session);

}  // namespace foresight

// Keeps sessions beyond the process by recording their changes in a journal.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "absl/types/span.h"
#include "proto/adaptation.pb.h"
#include "server/durability/journal.h"
#include "server/sessions/session_state.h"
#include "server/sessions/session_store.h"

namespace foresight {

// A session is kept as a whole when it begins. After that its decisions are
// kept, which are small and can be made again. Before too many would have to be
// made again, the session is kept as a whole once more.
//
// Thread-safe; only the holder of a session's lease makes calls about it.
class SessionKeeper {
 public:
  struct Options {
    // The most adaptation steps of one session that are made again after a
    // restart; >= 1. For decisions without a step, which cost next to nothing,
    // the limit is ten times as high.
    int replay_limit = 50;
  };

  // `journal` outlives this. If it is null, nothing is kept.
  SessionKeeper(Options options, Journal* journal)
      : options_(options), journal_(journal) {}

  // The session was opened, imported or brought back.
  void Began(SessionState& session) const;
  // The session is about to be reset.
  void BeginsAnew(SessionState& session, uint64_t seed, bool keep_policy) const;
  // `answer` was given to `observation` [S]; the lease is not committed yet.
  void Decided(SessionState& session, absl::Span<const float> observation,
               const v1::ActResponse& answer) const;
  void Ended(const SessionState& session) const;

  // Calls `done` when everything recorded so far is as safe as the durability
  // demands.
  void WhenKept(std::function<void()> done) const;

  // Keeps all sessions as they are and returns their number. No decision may be
  // running. Errors: the store's.
  absl::StatusOr<int> KeepAll(SessionStore& sessions, absl::Time now) const;

 private:
  void Replace(SessionState& session, v1::SavedSession whole) const;
  bool keeps_decisions() const {
    return journal_ != nullptr && journal_->durability() != Durability::kNone;
  }

  const Options options_;
  Journal* const journal_;
};

}  // namespace foresight

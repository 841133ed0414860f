// Keeps sessions beyond the process: what happens to them goes to a journal.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/types/span.h"
#include "proto/adaptation.pb.h"
#include "server/durability/journal.h"
#include "server/sessions/session_restart.h"
#include "server/sessions/session_state.h"
#include "server/sessions/session_store.h"

namespace foresight {

// A session is kept as a whole when it begins; then its decisions are, which
// are small and can be made again; and the whole again before too many would
// have to be made again.
//
// Thread-safe; each session's calls come from whoever has its lease.
class SessionKeeper {
 public:
  struct Options {
    // Adaptation steps of one session that are made again after a restart, at
    // most; >= 1. Decisions without a step cost next to nothing: ten times as
    // many.
    int replay_limit = 50;
  };

  // Without a journal, which outlives it, nothing is kept.
  SessionKeeper(Options options, Journal* journal)
      : options_(options), journal_(journal) {}

  // It was opened, imported or brought back.
  void Began(SessionState& session) const;
  // It is about to begin again.
  void BeginsAnew(SessionState& session, const SessionRestart& restart) const;
  // `answer` was given to `observation` [S]; the lease is not committed yet.
  void Decided(SessionState& session, absl::Span<const float> observation,
               const v1::ActResponse& answer) const;
  void Ended(const SessionState& session) const;

  // Calls `done` when what was said so far is kept as safely as was asked for.
  void WhenKept(std::function<void()> done) const;

  // Keeps all sessions as they are, when no decision is running; how many. What
  // happens to them afterwards is kept too, whatever the durability.
  // Errors: of the store.
  absl::StatusOr<int> KeepAll(SessionStore& sessions, absl::Time now) const;

 private:
  void Replace(SessionState& session, v1::SavedSession whole) const;
  bool keeps_decisions() const {
    return journal_ != nullptr &&
           (kept_all_ || journal_->durability() != Durability::kNone);
  }

  const Options options_;
  Journal* const journal_;
  mutable std::atomic<bool> kept_all_ = false;
};

}  // namespace foresight

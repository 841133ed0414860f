// Keeps sessions beyond the process by recording their changes in a journal.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/adaptation.pb.h"
#include "server/durability/journal.h"
#include "server/sessions/session_restart.h"
#include "server/sessions/session_state.h"
#include "server/sessions/session_store.h"

namespace foresight {

// A session's key in the store; neither an identity nor an id holds a newline.
std::string KeyOf(const SessionName& name);
// The name in `key`, which must outlive it.
SessionName NameIn(absl::string_view key);

// Saves a session's whole state when it begins, and then only its decisions,
// which are small and can be made again. Saves the whole state anew before too
// many decisions would have to be made again.
//
// Thread-safe; only the holder of a session's lease makes calls about it.
class SessionKeeper {
 public:
  struct Options {
    // The most adaptation steps of one session that are made again after a
    // restart; >= 1. For decisions without a step, which cost next to nothing,
    // the limit is ten times as high.
    int replay_limit = 50;
    // Other servers may have sessions of the same names.
    bool shared = false;
  };

  // `journal` outlives this. If it is null, nothing is kept.
  SessionKeeper(Options options, Journal* journal)
      : options_(options), journal_(journal) {}

  // Call it when the session has been opened or imported.
  void Began(SessionState& session) const;
  // Call it when the session is about to begin again.
  void BeginsAnew(SessionState& session, const SessionRestart& restart) const;
  // Call it with the `answer` to `observation` [S], before the lease's Commit.
  void Decided(SessionState& session, absl::Span<const float> observation,
               const v1::ActResponse& answer) const;
  void Ended(const SessionState& session) const;

  // Calls `done` when all changes so far are kept as safely as was asked for,
  // or when that takes too long.
  void WhenKept(std::function<void()> done) const;
  // As WhenKept, for a new session whose name the client chose. If it is kept
  // in a shared store, waits for the store whatever the durability: the session
  // is dropped if another server has one of the same name.
  void WhenBegun(std::function<void()> done) const;
  // How long WhenKept is expected to take after a decision.
  absl::Duration ExpectedWait() const;

  // Returns false while changes cannot be kept although they should be.
  bool Works() const;

  // Makes sure that every session is in the store, in its state between two
  // decisions; returns their number. Leaves out a session whose decision takes
  // very long. Later changes are written too, whatever the durability.
  // Errors: the store's.
  absl::StatusOr<int> KeepAll(SessionStore& sessions, absl::Time now) const;

  // Saves all sessions now, and from now on each decision before its answer,
  // since clients are about to go to other servers. Errors: as KeepAll.
  absl::Status PrepareToMove(SessionStore& sessions, absl::Time now) const;

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

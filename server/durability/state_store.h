// The interface to a medium that keeps sessions beyond the process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/saved_session.pb.h"

namespace foresight {

// Names a kept session. A later session may have the same key, but never the
// same incarnation. The epoch is that of the session as its owner knows it.
struct KeptName {
  std::string key;
  uint64_t incarnation = 0;
  uint64_t epoch = 1;
};

// One change of a kept session.
struct StateChange {
  enum class Kind {
    kCreate,   // `session`, under a key that no other session has.
    kReplace,  // Everything with this key, by `session`.
    kAppend,   // `decision`, the one after the last that is kept.
    kRemove,   // All of it.
    // Load no longer finds it; it stays with `why` for inspection.
    kSetAside,
  };
  Kind kind = Kind::kRemove;
  KeptName name;
  v1::SavedSession session;
  v1::SavedDecision decision;
  std::string why;
};

// The last whole state of a session, and the decisions since then, in order.
struct KeptSession {
  KeptName name;
  v1::SavedSession session;
  std::vector<v1::SavedDecision> decisions;
};

// The changes that could not be written, if any.
struct Written {
  // Sessions with a refused change: another server has taken them over, or has
  // one of the same key.
  std::vector<KeptName> fenced;
  // A decision was refused because the store has lost the ones before it. The
  // caller must save the session's whole state again.
  bool missing = false;
};

// Not thread-safe.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // Writes the changes in order. On return they are as safe as the store makes
  // them; after an error any number of them may have been written.
  // Without changes it finds out whether the store can be written.
  // Errors: Unavailable: the medium refuses; the message names it.
  virtual absl::StatusOr<Written> Write(
      absl::Span<const StateChange> changes) = 0;

  // Returns everything that is kept for this server alone. Sets aside and logs
  // data that cannot be read; a session loses its decisions from the first
  // damaged one on.
  // Errors: as Write.
  virtual absl::StatusOr<std::vector<KeptSession>> Load() = 0;
};

// Sessions that several servers share: each has one owner, the server with the
// highest epoch.
//
// Not thread-safe.
class SharedStore {
 public:
  virtual ~SharedStore() = default;

  // Makes this server the owner of the session kept under `key` and returns it,
  // in its next epoch. `local`: the session that this server has under the key;
  // null: none. Returns none if `local` is the newest state.
  // Errors:
  //   NotFound:    nothing is kept under the key.
  //   DataLoss:    what is kept is damaged.
  //   Unavailable: the store does not answer or refuses.
  virtual absl::StatusOr<std::optional<KeptSession>> TakeOver(
      const std::string& key, const KeptName* local) = 0;
};

}  // namespace foresight

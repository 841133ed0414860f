// Where the state of sessions outlives the process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "proto/saved_session.pb.h"

namespace foresight {

// Names what is kept of a session. Another session may have the same key later,
// never the same incarnation.
struct KeptName {
  std::string key;
  uint64_t incarnation = 0;
};

// One step of what is kept of a session.
struct StateChange {
  enum class Kind {
    kReplace,  // All that has the key, by `session`.
    kAppend,   // `decision`, the one after the last that is kept.
    kRemove,   // All of it.
    // Load no longer finds it; `why` stays with it, for somebody to look at.
    kSetAside,
  };
  Kind kind = Kind::kRemove;
  KeptName name;
  v1::SavedSession session;
  v1::SavedDecision decision;
  std::string why;
};

// A session as it was saved last, and the decisions since, in their order.
struct KeptSession {
  KeptName name;
  v1::SavedSession session;
  std::vector<v1::SavedDecision> decisions;
};

// Not thread-safe.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // All of the changes, in their order, or none. They are safe from a crash of
  // the machine when it returns.
  // Errors: Unavailable: the medium refuses; the message names it.
  virtual absl::Status Write(absl::Span<const StateChange> changes) = 0;

  // Everything that is kept. What cannot be read is set aside and logged: a
  // damaged decision ends its session's decisions before it.
  // Errors: as Write.
  virtual absl::StatusOr<std::vector<KeptSession>> Load() = 0;
};

}  // namespace foresight

// A session in the store. Internal to sessions/.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "server/sessions/session_lease.h"
#include "server/sessions/session_state.h"

namespace foresight {

// Guarded by the store's lock, but the lease holder may also read `session` and
// write its parameters without the lock; no other thread reads those.
struct SessionLease::Entry {
  SessionState session;
  absl::Time last_used;
  bool opened = false;                    // Set when Open's lease ends well.
  bool closed = false;                    // No longer in the store.
  bool moved = false;                     // Closed: another server has it.
  std::shared_ptr<SessionFlight> flight;  // Null: no lease.
  std::string connection;                 // Last used; empty: not known.
  bool lost = false;                      // That connection has gone.
  size_t owned_bytes = 0;     // Parameters' memory when the last lease ended.
  size_t reserved_bytes = 0;  // The most that the parameters may own.
};

}  // namespace foresight

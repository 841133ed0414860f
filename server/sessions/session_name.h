// The name by which a caller means a session.
#pragma once

#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace foresight {

// Each identity has its own name space: two may use the same id, and neither
// can name a session of the other. Does not own its text.
struct SessionName {
  SessionName(absl::string_view caller, absl::string_view session_id)
      : identity(caller), id(session_id) {}
  // For callers without an identity.
  SessionName(absl::string_view session_id) : id(session_id) {}
  SessionName(const std::string& session_id) : id(session_id) {}
  SessionName(const char* session_id) : id(session_id) {}

  absl::string_view identity;
  absl::string_view id;

  friend bool operator==(const SessionName& a, const SessionName& b) {
    return a.identity == b.identity && a.id == b.id;
  }
  template <typename H>
  friend H AbslHashValue(H h, const SessionName& name) {
    return H::combine(std::move(h), name.identity, name.id);
  }
};

}  // namespace foresight

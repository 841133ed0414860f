// Open sessions as a list shows them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "proto/adaptation.pb.h"
#include "server/sessions/session_state.h"

namespace foresight {

struct ListedSession {
  std::string id;
  std::string identity;
  std::shared_ptr<const LoadedModel> model;
  uint64_t next_decision = 0;
  absl::Time opened;    // By the wall clock.
  absl::Duration idle;  // Zero while a decision is running.
  std::shared_ptr<const v1::ActResponse> last_answer;  // May be null.
};

// The position where a list goes on: after the session of this id and identity.
struct SessionPosition {
  std::string id;
  std::string identity;
};

struct SessionPage {
  std::vector<ListedSession> sessions;
  std::optional<SessionPosition> next;  // None: this is the last page.
};

}  // namespace foresight

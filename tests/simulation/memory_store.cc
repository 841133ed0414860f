#include "tests/simulation/memory_store.h"

namespace foresight {

void KeptSessions::Apply(const StateChange& change) {
  using Kind = StateChange::Kind;
  absl::MutexLock lock(&mutex_);
  if (change.kind == Kind::kCreate || change.kind == Kind::kReplace) {
    content_[change.name.key] = {change.name, change.session, {}};
    return;
  }
  const auto found = content_.find(change.name.key);
  if (found == content_.end() ||
      found->second.name.incarnation != change.name.incarnation) {
    return;
  }
  if (change.kind == Kind::kAppend) {
    found->second.decisions.push_back(change.decision);
  } else {
    content_.erase(found);
  }
}

}  // namespace foresight

#include "tests/simulation/shared_memory.h"

#include "tests/server/decisions/fake_shared_store.h"

namespace foresight {
namespace {

uint64_t NextDecision(const KeptSession& kept) {
  return kept.session.next_decision() + kept.decisions.size();
}

}  // namespace

void SharedSessions::RemoveFence() {
  absl::MutexLock lock(&mutex_);
  fence_ = false;
}

Written SharedSessions::Apply(absl::Span<const StateChange> changes) {
  absl::MutexLock lock(&mutex_);
  Written written;
  for (const StateChange& change : changes) {
    const Outcome outcome = Apply(change);
    if (outcome == Outcome::kFenced) written.fenced.push_back(change.name);
    written.missing |= outcome == Outcome::kMissing;
  }
  return written;
}

bool SharedSessions::Refuses(const StateChange& change) const {
  const auto found = sessions_.find(change.name.key);
  if (found == sessions_.end() || !fence_) return false;
  const KeptName& kept = found->second.name;
  const bool same = kept.incarnation == change.name.incarnation;
  if (change.kind == StateChange::Kind::kCreate) {
    return !same || kept.epoch != change.name.epoch;
  }
  return !same || kept.epoch > change.name.epoch;
}

SharedSessions::Outcome SharedSessions::Apply(const StateChange& change) {
  using Kind = StateChange::Kind;
  if (Refuses(change)) return Outcome::kFenced;
  if (change.kind == Kind::kCreate || change.kind == Kind::kReplace) {
    sessions_[change.name.key] = {change.name, change.session, {}};
    return Outcome::kDone;
  }
  const auto found = sessions_.find(change.name.key);
  if (change.kind != Kind::kAppend) {
    if (found != sessions_.end()) sessions_.erase(found);
    return Outcome::kDone;
  }
  if (found == sessions_.end() ||
      NextDecision(found->second) !=
          change.decision.answer().decision_index()) {
    return Outcome::kMissing;
  }
  found->second.name.epoch = change.name.epoch;
  found->second.decisions.push_back(change.decision);
  return Outcome::kDone;
}

absl::StatusOr<std::optional<KeptSession>> SharedSessions::TakeOver(
    const std::string& key, const KeptName* local) {
  absl::MutexLock lock(&mutex_);
  return TakeOverKept(sessions_, key, local);
}

SharedSessions::Progress SharedSessions::Find(const std::string& key) const {
  absl::MutexLock lock(&mutex_);
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return {};
  return {found->second.name.epoch, NextDecision(found->second)};
}

}  // namespace foresight

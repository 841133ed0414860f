// A store that servers share, in memory.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/durability/state_store.h"

namespace foresight {

// SharedStore::TakeOver, for a store that keeps its sessions in a map.
inline absl::StatusOr<std::optional<KeptSession>> TakeOverKept(
    std::map<std::string, KeptSession>& sessions, const std::string& key,
    const KeptName* local) {
  const auto found = sessions.find(key);
  if (found == sessions.end()) return absl::NotFoundError("nothing is kept");
  KeptSession& kept = found->second;
  if (local != nullptr && local->incarnation == kept.name.incarnation &&
      local->epoch >= kept.name.epoch) {
    return std::optional<KeptSession>();
  }
  kept.session.set_epoch(kept.name.epoch);
  ++kept.name.epoch;
  return std::optional<KeptSession>(kept);
}

// The kept sessions, and the store's behaviour. Thread-safe.
struct SharedMedium {
  absl::Mutex mutex;
  std::map<std::string, KeptSession> sessions ABSL_GUARDED_BY(mutex);
  absl::Status failure ABSL_GUARDED_BY(mutex);  // Calls fail with it unless OK.
  bool hangs ABSL_GUARDED_BY(mutex) = false;
  int calls ABSL_GUARDED_BY(mutex) = 0;

  void Keep(const std::string& key, uint64_t incarnation, uint64_t epoch,
            v1::SavedSession session) ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    KeptSession& kept = sessions[key];
    kept.name = {key, incarnation, epoch};
    kept.session = std::move(session);
  }
  void SetFailure(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    failure = std::move(status);
  }
  void SetHangs(bool value) ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    hangs = value;
  }
  int Calls() ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    return calls;
  }
};

class FakeSharedStore : public SharedStore {
 public:
  explicit FakeSharedStore(SharedMedium* medium) : medium_(medium) {}

  absl::StatusOr<std::optional<KeptSession>> TakeOver(
      const std::string& key, const KeptName* local) override {
    absl::MutexLock lock(&medium_->mutex);
    ++medium_->calls;
    const auto answers = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return !medium_->hangs;
    };
    medium_->mutex.Await(absl::Condition(&answers));
    if (!medium_->failure.ok()) return medium_->failure;
    return TakeOverKept(medium_->sessions, key, local);
  }

 private:
  SharedMedium* const medium_;
};

}  // namespace foresight

// A store that simulated servers share.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/durability/state_store.h"

namespace foresight {

// The kept sessions. It refuses what RedisStore's scripts refuse. Thread-safe.
class SharedSessions {
 public:
  // For a test of the invariants: former owners may write, too.
  void RemoveFence() ABSL_LOCKS_EXCLUDED(mutex_);

  Written Apply(absl::Span<const StateChange> changes)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // As SharedStore::TakeOver.
  absl::StatusOr<std::optional<KeptSession>> TakeOver(const std::string& key,
                                                      const KeptName* local)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // How far a session is kept, and in which epoch.
  struct Progress {
    uint64_t epoch = 0;
    uint64_t next_decision = 0;
  };
  Progress Find(const std::string& key) const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  enum class Outcome { kDone, kFenced, kMissing };

  Outcome Apply(const StateChange& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Refuses(const StateChange& change) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  bool fence_ ABSL_GUARDED_BY(mutex_) = true;
  std::map<std::string, KeptSession> sessions_ ABSL_GUARDED_BY(mutex_);
};

// A server's access to the shared sessions, which outlive it. What the server
// writes after its death is dropped.
class SharedMemoryStore : public StateStore, public SharedStore {
 public:
  SharedMemoryStore(SharedSessions* sessions, const std::atomic<bool>* dead)
      : sessions_(sessions), dead_(dead) {}

  absl::StatusOr<Written> Write(
      absl::Span<const StateChange> changes) override {
    return *dead_ ? Written() : sessions_->Apply(changes);
  }
  absl::StatusOr<std::vector<KeptSession>> Load() override {
    return std::vector<KeptSession>();
  }
  absl::StatusOr<std::optional<KeptSession>> TakeOver(
      const std::string& key, const KeptName* local) override {
    if (*dead_) return absl::UnavailableError("the server is dead");
    return sessions_->TakeOver(key, local);
  }

 private:
  SharedSessions* const sessions_;
  const std::atomic<bool>* const dead_;
};

}  // namespace foresight

// A store that outlives the simulated server whose sessions it keeps.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/durability/state_store.h"

namespace foresight {

// The kept sessions, by key. Thread-safe.
class KeptSessions {
 public:
  using Content = std::map<std::string, KeptSession>;

  Content content() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return content_;
  }
  void set_content(Content content) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    content_ = std::move(content);
  }
  void Apply(const StateChange& change) ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  Content content_ ABSL_GUARDED_BY(mutex_);
};

class MemoryStore : public StateStore {
 public:
  // `kept` outlives it.
  explicit MemoryStore(KeptSessions* kept) : kept_(kept) {}

  absl::StatusOr<Written> Write(
      absl::Span<const StateChange> changes) override {
    for (const StateChange& change : changes) kept_->Apply(change);
    return Written();
  }
  absl::StatusOr<std::vector<KeptSession>> Load() override {
    std::vector<KeptSession> sessions;
    for (const auto& [key, session] : kept_->content()) {
      sessions.push_back(session);
    }
    return sessions;
  }

 private:
  KeptSessions* const kept_;
};

}  // namespace foresight

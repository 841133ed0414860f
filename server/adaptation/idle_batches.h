// Empty batches, kept so that warm decisions allocate no memory.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace foresight {

class Batch;

// Thread-safe.
class IdleBatches {
 public:
  // Keeps batches of at most `max_bytes` in all.
  explicit IdleBatches(size_t max_bytes);
  ~IdleBatches();

  // Returns the batch used last; null if there is none.
  std::unique_ptr<Batch> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  // Keeps `batch`, or frees it if there is no room.
  void Keep(std::unique_ptr<Batch> batch, absl::Time now)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Frees the batches last used at `last_use` or before. Returns their bytes.
  size_t Release(absl::Time last_use) ABSL_LOCKS_EXCLUDED(mutex_);
  size_t bytes() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Idle {
    std::unique_ptr<Batch> batch;
    size_t bytes = 0;
    absl::Time since;
  };

  const size_t max_bytes_;
  mutable absl::Mutex mutex_;
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);  // Longest idle first.
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace foresight

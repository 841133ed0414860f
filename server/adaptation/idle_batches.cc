#include "server/adaptation/idle_batches.h"

#include <new>
#include <utility>

#include "server/adaptation/engine.h"

namespace foresight {

IdleBatches::IdleBatches(size_t max_bytes) : max_bytes_(max_bytes) {}

IdleBatches::~IdleBatches() = default;

std::unique_ptr<Batch> IdleBatches::Take() {
  absl::MutexLock lock(&mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Batch> batch = std::move(idle_.back().batch);
  bytes_ -= idle_.back().bytes;
  idle_.pop_back();
  return batch;
}

void IdleBatches::Keep(std::unique_ptr<Batch> batch, absl::Time now) {
  const size_t bytes = batch->scratch_bytes();
  absl::MutexLock lock(&mutex_);
  if (bytes > max_bytes_ - bytes_) return;
  try {
    idle_.push_back({std::move(batch), bytes, now});
    bytes_ += bytes;
  } catch (const std::bad_alloc&) {
    // The batch is freed, and the next decision makes another one.
  }
}

size_t IdleBatches::Release(absl::Time last_use) {
  std::vector<Idle> released;  // Freed after unlocking.
  absl::MutexLock lock(&mutex_);
  size_t count = 0, bytes = 0;
  while (count < idle_.size() && idle_[count].since <= last_use) {
    bytes += idle_[count++].bytes;
  }
  if (count == 0) return 0;
  const auto end = idle_.begin() + count;
  released.assign(std::make_move_iterator(idle_.begin()),
                  std::make_move_iterator(end));
  idle_.erase(idle_.begin(), end);
  bytes_ -= bytes;
  return bytes;
}

size_t IdleBatches::bytes() const {
  absl::MutexLock lock(&mutex_);
  return bytes_;
}

}  // namespace foresight

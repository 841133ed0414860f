#include "foresight/cancellation.h"

#include <utility>

namespace foresight {

Cancellation::Watch::~Watch() {
  absl::MutexLock lock(&cancellation_->mutex_);
  cancellation_->actions_.erase(id_);
}

void Cancellation::Cancel() {
  std::map<uint64_t, std::function<void()>> actions;
  {
    absl::MutexLock lock(&mutex_);
    cancelled_ = true;
    actions.swap(actions_);
  }
  for (const auto& [id, action] : actions) action();
}

bool Cancellation::cancelled() const {
  absl::MutexLock lock(&mutex_);
  return cancelled_;
}

bool Cancellation::WaitFor(absl::Duration timeout) const {
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&cancelled_), timeout);
}

std::unique_ptr<Cancellation::Watch> Cancellation::OnCancel(
    std::function<void()> action) {
  {
    absl::MutexLock lock(&mutex_);
    if (!cancelled_) {
      const uint64_t id = next_id_++;
      actions_.emplace(id, std::move(action));
      return std::make_unique<Watch>(this, id);
    }
  }
  action();
  return nullptr;
}

}  // namespace foresight

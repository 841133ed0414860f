#include "server/adaptation/working_policies.h"

#include <algorithm>

namespace foresight {

bool StopSignals::Cancelled(int i) const {
  const std::atomic<bool>* cancelled = problems_[i]->cancelled;
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}

bool StopSignals::ShouldStop(int i) const {
  if (Cancelled(i)) return true;
  const absl::Time deadline = problems_[i]->deadline;
  return deadline != absl::InfiniteFuture() && clock_() >= deadline;
}

bool StopSignals::ShouldStopAll(absl::Span<const int> which) const {
  return std::all_of(which.begin(), which.end(),
                     [this](int i) { return ShouldStop(i); });
}

}  // namespace foresight

#include "server/adaptation/working_policies.h"

#include <exception>
#include <new>

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

absl::Status WorkingPolicies::Try(absl::FunctionRef<void()> body) const {
  try {
    body();
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        "no memory for a decision of this many particles and transitions");
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  }
}

}  // namespace foresight

#include "client/answer_slot.h"

#include <utility>

namespace foresight {

void AnswerSlot::Give(Answer answer) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (answer_.has_value()) return;
  answer_ = std::move(answer);
  // Notify under the lock, since the waiter may destroy the slot once it has
  // the answer.
  given_.notify_all();
}

std::optional<AnswerSlot::Answer> AnswerSlot::Await(SteadyTime deadline) const {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto given = [this] { return answer_.has_value(); };
  if (deadline == SteadyTime::max()) {
    given_.wait(lock, given);  // wait_until may overflow at max().
  } else {
    given_.wait_until(lock, deadline, given);
  }
  return answer_;
}

}  // namespace foresight

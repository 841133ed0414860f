#include "server/scheduling/decision_queue.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {
namespace {

// Sooner than this nothing changes that a client could see.
constexpr absl::Duration kShortestRetry = absl::Milliseconds(1);

}  // namespace

absl::StatusOr<bool> DecisionQueue::Push(const Decision& decision,
                                         absl::Time now) {
  const bool immediate = HasIdleWorker();
  const absl::Time next_free = NextFree(now);
  const absl::Duration retry_after = std::max(
      kShortestRetry, next_free - now + frozen_work_ / options_.workers);
  if (waiting_.size() >= options_.max_size) {
    return MakeError(
        Reason::kOverloaded,
        absl::StrCat(waiting_.size(),
                     " decisions are waiting, expected fewer than ",
                     options_.max_size),
        retry_after);
  }
  if (!immediate && !Fits(decision, next_free)) {
    return MakeError(
        Reason::kOverloaded,
        absl::StrCat(waiting_.size(),
                     " decisions are waiting; even without "
                     "adaptation the answer would take ",
                     absl::FormatDuration(retry_after + decision.frozen_time),
                     ", expected at most ",
                     absl::FormatDuration(decision.deadline - now)),
        retry_after);
  }
  const Key key(decision.deadline, arrivals_++);
  waiting_.emplace(key, Waiting{decision, immediate});
  keys_.emplace(decision.id, key);
  frozen_work_ += decision.frozen_time;
  return immediate;
}

std::optional<DecisionQueue::Turn> DecisionQueue::Pop(absl::Time now) {
  if (waiting_.empty()) return std::nullopt;
  const Waiting head = waiting_.begin()->second;
  Remove(head.decision.id);
  Turn turn;
  turn.id = head.decision.id;
  turn.in_time = head.immediate || now <= head.decision.deadline;
  if (!turn.in_time) return turn;
  turn.until = Until(head.decision, now);
  // Of one whose steps are not known the best is hoped: it ends soon.
  const absl::Duration full = FullTime(head.decision);
  running_[turn.id] =
      full == absl::InfiniteDuration() ? now : std::min(turn.until, now + full);
  return turn;
}

bool DecisionQueue::Remove(uint64_t id) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return false;
  const auto waiting = waiting_.find(found->second);
  frozen_work_ -= waiting->second.decision.frozen_time;
  waiting_.erase(waiting);
  keys_.erase(found);
  return true;
}

absl::Duration DecisionQueue::FullTime(const Decision& decision) {
  if (decision.steps == 0) return decision.frozen_time;
  if (decision.step_time == absl::ZeroDuration()) {
    return absl::InfiniteDuration();
  }
  return decision.frozen_time + decision.steps * decision.step_time;
}

bool DecisionQueue::HasIdleWorker() const {
  return waiting_.size() + running_.size() <
         static_cast<size_t>(options_.workers);
}

absl::Time DecisionQueue::NextFree(absl::Time now) const {
  if (running_.size() < static_cast<size_t>(options_.workers)) return now;
  absl::Time first = absl::InfiniteFuture();
  for (const auto& [id, end] : running_) first = std::min(first, end);
  return std::max(first, now);
}

bool DecisionQueue::Fits(const Decision& decision, absl::Time next_free) const {
  const absl::Duration added = decision.frozen_time;
  // Those behind it have later deadlines: if it fits last, all fit.
  if (next_free + (frozen_work_ + added) / options_.workers <=
      decision.deadline) {
    return true;
  }
  const auto behind =
      waiting_.upper_bound(Key(decision.deadline, ~uint64_t{0}));
  absl::Duration work = absl::ZeroDuration();
  for (auto it = waiting_.begin(); it != behind; ++it) {
    work += it->second.decision.frozen_time;
  }
  if (next_free + (work + added) / options_.workers > decision.deadline) {
    return false;
  }
  for (auto it = behind; it != waiting_.end(); ++it) {
    work += it->second.decision.frozen_time;
    const absl::Time deadline = it->second.decision.deadline;
    const bool fits = next_free + work / options_.workers <= deadline;
    if (fits && next_free + (work + added) / options_.workers > deadline) {
      return false;
    }
  }
  return true;
}

absl::Time DecisionQueue::Until(const Decision& head, absl::Time now) const {
  if (head.deadline == absl::InfiniteFuture()) return head.deadline;
  const absl::Time wanted = std::min(head.deadline, now + FullTime(head));
  const absl::Duration all_work = frozen_work_ / options_.workers;
  absl::Time until = head.deadline;
  absl::Duration work = absl::ZeroDuration();
  for (const auto& [key, waiting] : waiting_) {
    const absl::Time deadline = key.first;
    if (deadline - all_work >= wanted) break;  // Nor do those behind it press.
    work += waiting.decision.frozen_time;
    until = std::min(until, deadline - work / options_.workers);
  }
  until = std::max(until, now);
  // Rather none than a step that will be cut off before its end.
  const bool cut = until < wanted;
  return cut && until - now < head.frozen_time + head.step_time ? now : until;
}

}  // namespace foresight

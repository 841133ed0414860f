#include "tests/simulation/event_loop.h"

#include <algorithm>

namespace foresight {

void EventLoop::RunUntil(absl::Time end) {
  Dispatch();
  while (true) {
    const absl::Time next = NextEvent();
    if (next > end) break;
    clock_.now = std::max(clock_.now, next);
    for (Part* part : parts_) part->RunDue();
    if (!events_.empty() && events_.begin()->first <= clock_.now) {
      const auto action = std::move(events_.begin()->second);
      events_.erase(events_.begin());
      action();
    }
    ++events_run_;
    Dispatch();
  }
  clock_.now = end;
}

absl::Time EventLoop::NextEvent() const {
  absl::Time next = absl::InfiniteFuture();
  for (const Part* part : parts_) next = std::min(next, part->next());
  if (!events_.empty()) next = std::min(next, events_.begin()->first);
  return next;
}

void EventLoop::Dispatch() {
  for (Part* part : parts_) part->Dispatch();
}

}  // namespace foresight

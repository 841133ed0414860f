// Decides which waiting decision runs next and how long it may take. Holds no
// thread and reads no clock: callers pass the time in.
//
// The earliest deadline goes first. Decisions are any-time: the least answer,
// without adaptation, takes `frozen_time`. So under load a decision is cut
// short where those behind it could otherwise not even have their least answer
// in time; one without a deadline is never cut.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace foresight {

// Not thread-safe.
class DecisionQueue {
 public:
  struct Options {
    size_t max_size = 4096;  // >= 1; a push beyond it is refused at once.
    int workers = 1;         // >= 1; as many decisions run at once.
  };
  struct Decision {
    uint64_t id = 0;  // Unique among those waiting and running.
    absl::Time deadline = absl::InfiniteFuture();
    absl::Duration frozen_time = absl::ZeroDuration();
    absl::Duration step_time = absl::ZeroDuration();  // Zero: not known.
    int steps = 0;
  };
  struct Turn {
    uint64_t id = 0;
    // It may adapt until then; sooner than its deadline when others wait.
    absl::Time until = absl::InfiniteFuture();
    // False: its deadline passed while it waited for others. It is not running
    // and takes no worker.
    bool in_time = true;
  };

  explicit DecisionQueue(Options options) : options_(options) {}

  // True when a worker is free for it: then it is always accepted, and in
  // time, however short its deadline. False when it has to wait.
  // Errors:
  //   OVERLOADED, with the time after which to try again: the queue is full,
  //               or not even the least answer could be in time, or another
  //               accepted one would then be late.
  absl::StatusOr<bool> Push(const Decision& decision, absl::Time now);

  // The decision to run on a worker that is free; none when none waits.
  std::optional<Turn> Pop(absl::Time now);

  // The worker of a decision that ran is free again.
  void Finish(uint64_t id) { running_.erase(id); }

  // False when it does not wait (any more).
  bool Remove(uint64_t id);

  size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    Decision decision;
    bool immediate;  // Found a free worker.
  };
  // By deadline, then in the order of arrival.
  using Key = std::pair<absl::Time, uint64_t>;

  // All steps; infinite where not known.
  static absl::Duration FullTime(const Decision& decision);
  bool HasIdleWorker() const;
  // When the next worker is expected to be free, at least `now`.
  absl::Time NextFree(absl::Time now) const;
  bool Fits(const Decision& decision, absl::Time next_free) const;
  // How long `head`, just taken out, may run.
  absl::Time Until(const Decision& head, absl::Time now) const;

  const Options options_;
  uint64_t arrivals_ = 0;
  std::map<Key, Waiting> waiting_;
  std::unordered_map<uint64_t, Key> keys_;             // By id, of waiting_.
  std::unordered_map<uint64_t, absl::Time> running_;   // id -> expected end.
  absl::Duration frozen_work_ = absl::ZeroDuration();  // Sum over waiting_.
};

}  // namespace foresight

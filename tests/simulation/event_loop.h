// Virtual time, and what happens in it on all simulated servers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/simulation/virtual_clock.h"

namespace foresight {

// Not thread-safe.
class EventLoop {
 public:
  // Has work of its own that falls due, besides the events.
  class Part {
   public:
    virtual ~Part() = default;
    // The time of its next work.
    virtual absl::Time next() const = 0;
    // Does what is due.
    virtual void RunDue() = 0;
    // Begins what can begin now; called after each event.
    virtual void Dispatch() = 0;
  };

  VirtualClock* clock() { return &clock_; }
  absl::Time now() const { return clock_.now; }
  // The number of events so far.
  int64_t events() const { return events_run_; }

  // `part` outlives the calls of RunUntil.
  void Add(Part* part) { parts_.push_back(part); }
  void At(absl::Time when, std::function<void()> action) {
    events_.emplace(when, std::move(action));
  }
  void RunUntil(absl::Time end);

 private:
  absl::Time NextEvent() const;
  void Dispatch();

  VirtualClock clock_;
  std::vector<Part*> parts_;
  std::multimap<absl::Time, std::function<void()>> events_;
  int64_t events_run_ = 0;
};

}  // namespace foresight

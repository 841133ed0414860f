// Calls of one function, shared by any threads that join.
#pragma once

#include <atomic>

#include "absl/container/inlined_vector.h"
#include "absl/functional/function_ref.h"

namespace foresight {

// Calls body(item, lane) once for each item 0..count - 1, begun in this order.
// A thread joins, makes calls, and may leave between two of them.
//
// The caller must hold a lock for Join, Leave and has_room; everything else is
// thread-safe. `body` must outlive every RunOne.
class ParallelJob {
 public:
  using Body = absl::FunctionRef<void(int item, int lane)>;

  // At most `lanes` threads (>= 1) work on it at once.
  ParallelJob(int count, int lanes, Body body) : count_(count), body_(body) {
    for (int lane = lanes; lane-- > 0;) free_lanes_.push_back(lane);
  }

  // Whether another thread may join and would find an item.
  bool has_room() const { return has_items() && !free_lanes_.empty(); }
  // Takes a free lane, which must exist, for the calling thread until it
  // leaves.
  int Join() {
    const int lane = free_lanes_.back();
    free_lanes_.pop_back();
    joined_.fetch_add(1, std::memory_order_relaxed);
    return lane;
  }
  // A thread that sees from joined() that this one has left also sees its work.
  void Leave(int lane) {
    free_lanes_.push_back(lane);
    joined_.fetch_sub(1, std::memory_order_release);
  }
  // The threads that have joined and not left.
  int joined() const { return joined_.load(std::memory_order_acquire); }

  // Makes one of the calls; returns false if none is left to begin.
  bool RunOne(int lane) {
    const int item = next_.fetch_add(1, std::memory_order_relaxed);
    if (item >= count_) return false;
    body_(item, lane);
    return true;
  }

 private:
  bool has_items() const {
    return next_.load(std::memory_order_relaxed) < count_;
  }

  const int count_;
  const Body body_;
  std::atomic<int> next_ = 0;
  std::atomic<int> joined_ = 0;
  absl::InlinedVector<int, 16> free_lanes_;
};

}  // namespace foresight

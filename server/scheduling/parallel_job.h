// body(0) .. body(count - 1), each called once by whichever thread comes.
#pragma once

#include <atomic>

#include "absl/functional/function_ref.h"

namespace foresight {

// Thread-safe. `body` must outlive every RunOne.
class ParallelJob {
 public:
  ParallelJob(int count, absl::FunctionRef<void(int)> body)
      : count_(count), body_(body) {}

  // Makes one of the calls; false when none is left to begin.
  bool RunOne() {
    const int i = next_.fetch_add(1, std::memory_order_relaxed);
    if (i >= count_) return false;
    body_(i);
    return true;
  }
  bool has_more() const {
    return next_.load(std::memory_order_relaxed) < count_;
  }

 private:
  const int count_;
  const absl::FunctionRef<void(int)> body_;
  std::atomic<int> next_ = 0;
};

}  // namespace foresight

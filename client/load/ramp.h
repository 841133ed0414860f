// Finds the number of control loops that a server carries.
#pragma once

#include <optional>

namespace foresight {

// Chooses the next number of sessions to try: doubles until one fails, then
// bisects until the largest that passed and the smallest that failed are
// neighbours or within 2 %.
//
// Not thread-safe. Starts no thread; callers make the probes.
class Ramp {
 public:
  // Begins with `first` and never exceeds `limit`. 1 <= first <= limit.
  Ramp(int first, int limit) : first_(first), limit_(limit) {}

  // The number to probe; none if the search is over.
  std::optional<int> Next() const;
  void Report(int sessions, bool passed);

  int largest_passed() const { return passed_; }  // 0: none yet.

 private:
  const int first_;
  const int limit_;
  int passed_ = 0;
  std::optional<int> failed_;  // The smallest.
};

}  // namespace foresight

// Tells memory that grows from memory that only fluctuates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace foresight {

// What this process has allocated from the heap and not freed, and what of it
// and all else is in memory, in bytes.
int64_t HeapInUse();
int64_t ResidentMemory();

// Samples of an amount of memory, taken whenever all should have been given
// back.
//
// Not thread-safe.
class MemoryTrend {
 public:
  void Add(int64_t bytes) { samples_.push_back(bytes); }

  // By how much the least of the last third exceeds the least of the middle
  // third: caches are full by then, and what comes and goes is not counted.
  // Needs three samples. Negative if it has shrunk.
  int64_t growth() const;

  std::string ToString() const;  // In KiB, for people.

 private:
  std::vector<int64_t> samples_;
};

}  // namespace foresight

// Distinguishes growing memory from memory that only fluctuates.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace foresight {

// The bytes that this process has allocated from the heap and not freed, and
// its resident bytes.
int64_t HeapInUse();
int64_t ResidentMemory();

// Samples of an amount of memory, each taken when everything should have been
// freed.
//
// Not thread-safe.
class MemoryTrend {
 public:
  void Add(int64_t bytes) { samples_.push_back(bytes); }

  // The least of the last third minus the least of the middle third; negative
  // if memory has shrunk. Caches are full by then. The least ignores memory
  // that is returned later, such as 2 MB that a busy machine held for ten
  // samples, but not a leak. Needs three samples.
  int64_t growth() const;

  std::string ToString() const;  // In KiB, for people.

 private:
  std::vector<int64_t> samples_;
};

}  // namespace foresight

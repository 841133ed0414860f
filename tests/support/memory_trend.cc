#include "tests/support/memory_trend.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FORESIGHT_SANITIZED
// Declared here, since g++ has no header for it.
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#endif

namespace foresight {
namespace {

int64_t Least(absl::Span<const int64_t> samples) {
  return *std::min_element(samples.begin(), samples.end());
}

}  // namespace

#ifdef FORESIGHT_SANITIZED
// A sanitizer has its own heap.
int64_t HeapInUse() {
  return static_cast<int64_t>(__sanitizer_get_current_allocated_bytes());
}
int64_t ResidentMemory() { return 0; }
#else
int64_t HeapInUse() {
  const struct mallinfo2 heap = mallinfo2();
  return static_cast<int64_t>(heap.uordblks + heap.hblkhd);
}

int64_t ResidentMemory() {
  int64_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}
#endif

int64_t MemoryTrend::growth() const {
  const size_t third = samples_.size() / 3;
  const auto samples = absl::MakeConstSpan(samples_);
  return Least(samples.subspan(2 * third)) -
         Least(samples.subspan(third, third));
}

std::string MemoryTrend::ToString() const {
  return absl::StrJoin(samples_, " ", [](std::string* out, int64_t bytes) {
    absl::StrAppend(out, bytes >> 10);
  });
}

}  // namespace foresight

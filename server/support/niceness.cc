#include "server/support/niceness.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace foresight {
namespace {

// The kernel's struct sched_attr, whose header cannot be used beside <sched.h>.
struct SchedAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;  // For SCHED_OTHER: the slice, in ns.
  uint64_t deadline;
  uint64_t period;
};

}  // namespace

void AddNiceness(int nice) {
  const id_t thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + nice);
}

void RequestSlice(absl::Duration slice) {
  // If the program was started with another policy, keep that.
  if (sched_getscheduler(/*this thread*/ 0) != SCHED_OTHER) return;
  SchedAttributes attributes = {};
  attributes.size = sizeof(attributes);
  attributes.policy = SCHED_OTHER;
  attributes.nice = getpriority(PRIO_PROCESS, syscall(SYS_gettid));
  attributes.runtime = absl::ToInt64Nanoseconds(slice);
  (void)syscall(SYS_sched_setattr, /*this thread*/ 0, &attributes, 0);
}

}  // namespace foresight

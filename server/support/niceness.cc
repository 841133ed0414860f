#include "server/support/niceness.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace foresight {

void AddNiceness(int nice) {
  const id_t thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + nice);
}

}  // namespace foresight

#include "tests/support/wall_clock.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>

namespace {

constexpr int64_t kSecond = 1000000000;
constexpr int64_t kLookAgain = 5000000;  // Nanoseconds.

std::atomic<int64_t> offset = 0;  // Nanoseconds.

int64_t ToNanoseconds(const timespec& time) {
  return time.tv_sec * kSecond + time.tv_nsec;
}

timespec FromNanoseconds(int64_t time) {
  return {time / kSecond, time % kSecond};
}

int64_t MachineTime() {
  timespec time;
  // Calls the system directly, since clock_gettime is replaced below.
  using Syscall = long (*)(long, ...);
  static const auto real =
      reinterpret_cast<Syscall>(dlsym(RTLD_NEXT, "syscall"));
  real(SYS_clock_gettime, CLOCK_REALTIME, &time);
  return ToNanoseconds(time);
}

int64_t WallTime() { return MachineTime() + offset; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  using Function = int (*)(clockid_t, timespec*);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "clock_gettime"));
  const int result = real(clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) {
    *time = FromNanoseconds(ToNanoseconds(*time) + offset);
  }
  return result;
}

int gettimeofday(timeval* time, void*) noexcept {
  const int64_t now = WallTime();
  *time = {now / kSecond, now % kSecond / 1000};
  return 0;
}

time_t time(time_t* result) noexcept {
  const time_t now = WallTime() / kSecond;
  if (result != nullptr) *result = now;
  return now;
}

// absl waits by FUTEX_WAIT_BITSET until a wall-clock time. Splits such a wait
// into short ones, so that it notices jumps as the kernel would.
long syscall(long number, ...) noexcept {
  using Function = long (*)(long, ...);
  static const auto real =
      reinterpret_cast<Function>(dlsym(RTLD_NEXT, "syscall"));
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  const auto* until = reinterpret_cast<const timespec*>(a[3]);
  const bool timed = number == SYS_futex &&
                     (a[1] & FUTEX_CLOCK_REALTIME) != 0 && until != nullptr;
  if (!timed) return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  while (true) {
    const int64_t left = ToNanoseconds(*until) - WallTime();
    if (left <= 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    const timespec next =
        FromNanoseconds(MachineTime() + std::min(left, kLookAgain));
    const long result = real(number, a[0], a[1], a[2], &next, a[4], a[5]);
    if (result != -1 || errno != ETIMEDOUT) return result;
  }
}

}  // extern "C"

namespace foresight {

void JumpWallClock(absl::Duration by) {
  offset += absl::ToInt64Nanoseconds(by);
}

}  // namespace foresight

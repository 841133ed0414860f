// Describes the machine that a load ran on, and the CPU time that was used or
// stolen meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace foresight {

struct Host {
  std::string cpu_model;  // "unknown" if the system does not say.
  int cores = 0;
};

Host DescribeHost();

// The "model name" of a /proc/cpuinfo, or "unknown".
std::string CpuModel(absl::string_view cpuinfo);

// The times of all cores since the machine started, in the system's ticks.
struct CpuTimes {
  int64_t total = 0;
  int64_t steal = 0;  // Taken by the hypervisor for other machines.
};

// Parses the text of a /proc/stat; zeros if it is malformed.
CpuTimes ParseCpuTimes(absl::string_view stat);
CpuTimes ReadCpuTimes();

// The fraction, 0 to 1, of the cores' time between `before` and `after` that
// was stolen.
double StealFraction(const CpuTimes& before, const CpuTimes& after);

// The CPU time that this process has used, system calls included.
absl::Duration ProcessCpuTime();

}  // namespace foresight

// How many cores this process may use.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"

namespace foresight {

// The cores that the process may run on, or what its container's quota pays
// for if that is less; at least 1.
int AvailableCpus();

// The cores, rounded up, that a cgroup's cpu.max ("200000 100000") allows;
// none when it is "max ..." or not understood.
std::optional<int> CpusOfQuota(absl::string_view cpu_max);

}  // namespace foresight

// Counts the cores that this process may use.
#pragma once

#include <optional>

#include "absl/strings/string_view.h"

namespace foresight {

// The cores that the process may run on, or its container's quota if that is
// less; at least 1.
int AvailableCpus();

// The cores, rounded up, that a cgroup's cpu.max ("200000 100000") allows; none
// if it is "max ..." or malformed.
std::optional<int> CpusOfQuota(absl::string_view cpu_max);

}  // namespace foresight

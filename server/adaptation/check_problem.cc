#include "server/adaptation/check_problem.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace foresight {

absl::Status CheckProblem(const Problem& problem, int observation_size) {
  const absl::Span<const float> observation = problem.observation;
  if (observation.size() != static_cast<size_t>(observation_size)) {
    return absl::InvalidArgumentError(
        absl::StrCat("observation has ", observation.size(),
                     " values, expected ", observation_size));
  }
  for (size_t i = 0; i < observation.size(); ++i) {
    if (std::isfinite(observation[i])) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("observation[", i, "] is ", observation[i],
                     ", expected a finite value"));
  }
  return absl::OkStatus();
}

}  // namespace foresight

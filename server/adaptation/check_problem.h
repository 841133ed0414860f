// The checks that every engine makes before it runs a problem.
#pragma once

#include "absl/status/status.h"
#include "server/adaptation/engine.h"

namespace foresight {

// Checks that `problem` fits a bundle with S = `observation_size`. Takes the
// settings as resolved for that bundle and leaves `parameters` to the engine.
// Allocates nothing if the problem fits.
// Errors:
//   InvalidArgument: the observation has another size or a value that is not
//                    finite; the message says what was expected.
absl::Status CheckProblem(const Problem& problem, int observation_size);

}  // namespace foresight

// What every engine asks of a problem before it runs it.
#pragma once

#include "absl/status/status.h"
#include "server/adaptation/engine.h"

namespace foresight {

// Whether `problem` fits a bundle with S = `observation_size`. Its settings
// count as resolved for that bundle; its `parameters` are the engine's to
// judge. Allocates nothing where it does.
// Errors:
//   InvalidArgument: the observation has another size or a value that is not
//                    finite; says what was expected and what came.
absl::Status CheckProblem(const Problem& problem, int observation_size);

}  // namespace foresight

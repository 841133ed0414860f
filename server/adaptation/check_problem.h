// The checks that every engine makes before it runs a problem.
#pragma once

#include "absl/status/status.h"
#include "server/adaptation/engine.h"

namespace foresight {

// Three places check an observation, each at its own boundary. The decisions
// (request_checks.h) refuse a client's request before it takes a place in the
// queue. The session store compares the size with the session's, which only it
// knows. This check protects the engines' arithmetic from every caller, such as
// a replay of stored decisions.
//
// Checks that `problem` fits a bundle with S = `observation_size`. Assumes that
// its settings are resolved for that bundle; leaves `parameters` to the engine.
// Allocates nothing if the problem fits.
// Errors:
//   InvalidArgument: the observation has another size or a value that is not
//                    finite; the message says what was expected.
absl::Status CheckProblem(const Problem& problem, int observation_size);

}  // namespace foresight

// Compares sessions side by side with sessions one after another.
#pragma once

#include "absl/status/statusor.h"
#include "benchmarks/bench_case.h"
#include "server/adaptation/engine.h"

namespace foresight {

struct SessionsResult {
  double alone_ms = 0;  // Medians of the time for all sessions.
  double together_ms = 0;
  double gain = 0;  // Ratio of decisions per second, the median over rounds.
};

// Runs rounds of both ways on one thread until `seconds` are over; each session
// has its own psi. `engine` was made for the case's bundle. Errors: those of
// its decisions.
absl::StatusOr<SessionsResult> CompareSessions(const BenchCase& bench_case,
                                               const Engine& engine,
                                               int sessions, double seconds);

}  // namespace foresight

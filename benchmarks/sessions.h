// Compares sessions side by side with sessions one after another, on the fused
// engine.
#pragma once

#include "absl/status/statusor.h"
#include "benchmarks/bench_case.h"
#include "server/adaptation/fused/variants.h"

namespace foresight {

struct SessionsResult {
  double alone_ms = 0;  // Medians, for all sessions.
  double together_ms = 0;
  double gain = 0;  // Decisions per second: the median of the rounds' ratios.
};

// Runs rounds of both ways on one thread until `seconds` are over; each session
// has its own psi. Errors: the engine's and its decisions'.
absl::StatusOr<SessionsResult> CompareSessions(const BenchCase& bench_case,
                                               fused::Precision precision,
                                               int sessions, double seconds);

}  // namespace foresight

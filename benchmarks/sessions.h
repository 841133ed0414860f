// Compares sessions side by side with sessions one after another, on the fused
// engine.
#pragma once

#include "absl/status/statusor.h"
#include "benchmarks/bench_case.h"
#include "server/adaptation/fused/variants.h"

namespace foresight {

struct SessionsResult {
  double alone_ms = 0;  // Medians of the time for all sessions.
  double together_ms = 0;
  double gain = 0;  // Ratio of decisions per second, the median over rounds.
};

// Runs rounds of both ways on one thread until `seconds` are over; each session
// has its own psi. Errors: those of the engine and of its decisions.
absl::StatusOr<SessionsResult> CompareSessions(const BenchCase& bench_case,
                                               fused::Precision precision,
                                               int sessions, double seconds);

}  // namespace foresight

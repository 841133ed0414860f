// Sessions side by side against one after the other, on the fused engine.
#pragma once

#include "absl/status/statusor.h"
#include "server/adaptation/fused/variants.h"
#include "tests/benchmarks/bench_case.h"

namespace foresight {

struct SessionsResult {
  double alone_ms = 0;  // Medians, of all sessions' decisions.
  double together_ms = 0;
  double gain = 0;  // Decisions per second: the median of the rounds' ratios.
};

// On one thread, each session with a psi of its own, in rounds of both until
// `seconds` are over.
// Errors: those of the engine and its decisions.
absl::StatusOr<SessionsResult> CompareSessions(const BenchCase& bench_case,
                                               fused::Precision precision,
                                               int sessions, double seconds);

}  // namespace foresight

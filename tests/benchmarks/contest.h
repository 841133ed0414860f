// Engines against each other at one setting.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/benchmarks/bench_case.h"
#include "tests/benchmarks/idle_lanes.h"

namespace foresight {

struct Contestant {
  std::string engine;     // "fused", "autograd"
  std::string precision;  // "fp32", "bf16"
  int threads = 1;
  // For a bundle; errors as the engine's.
  std::function<absl::StatusOr<std::unique_ptr<Engine>>(
      const std::shared_ptr<const Bundle>&)>
      create;
  std::function<void()> before = [] {};  // Called before each decision.
};

struct Result {
  BenchCase bench_case;
  std::string engine, precision;
  int threads = 1;
  double ms = 0;                // Median.
  double gflops = 0;            // gigaflop() over that.
  double fraction_of_peak = 0;  // Of as many threads' multiply-adds.
  // This contestant's speed over autograd's with as many threads: the median of
  // the rounds' ratios. 0: no autograd.
  double over_autograd = 0;
};

// Round-robin until `seconds` are over and each has had three rounds: a
// machine's slow moments meet all alike. In each round the machine's peak is
// measured too. One round before is not counted. `threads` are those of the
// contestants that have more than one.
// Errors: those of the engines and their decisions.
absl::StatusOr<std::vector<Result>> Contest(
    const BenchCase& bench_case, const std::vector<Contestant>& contestants,
    double seconds);

}  // namespace foresight

// Compares engines at one setting.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "benchmarks/bench_case.h"
#include "benchmarks/idle_lanes.h"

namespace foresight {

struct Contestant {
  std::string engine;     // "fused", "autograd", "cuda:0"
  std::string precision;  // "fp32", "bf16"
  int threads = 1;
  // Makes the engine for a bundle, or returns the engine's error.
  std::function<absl::StatusOr<std::unique_ptr<Engine>>(
      const std::shared_ptr<const Bundle>&)>
      create;
};

struct Result {
  BenchCase bench_case;
  std::string engine, precision;
  int threads = 1;
  double ms = 0;                // Median.
  double gflops = 0;            // gigaflop() / time.
  double fraction_of_peak = 0;  // The peak of as many threads; 0 on a GPU.
  // This contestant's speed divided by autograd's with as many threads: the
  // median over rounds; 0 without autograd.
  double over_autograd = 0;
};

// Lets the contestants take turns until `seconds` are over and each has had
// three rounds, so that slow moments of the machine affect all alike. Each
// round also measures the machine's peak. Each contestant's first decision is
// not counted. Errors: those of the engines and of their decisions.
absl::StatusOr<std::vector<Result>> Contest(
    const BenchCase& bench_case, const std::vector<Contestant>& contestants,
    double seconds);

}  // namespace foresight

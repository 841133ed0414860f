// The files from which benchmarks/peers.py repeats a case's decision.
#pragma once

#include <filesystem>

#include "absl/status/status.h"
#include "benchmarks/bench_case.h"

namespace foresight {

// Writes to `folder`, made if missing: the bundle (docs/bundle-format.md) and
//   case.json        name, gigaflop, horizon, particles, sampler_steps, steps,
//                    discount, step_size, max_gradient_norm, observation [S];
//                    objective and gradient_norm of the fused engine's first
//                    step
//   noise.bin        float32 [H, slots, M, S], slots z_0.. of each transition
//   gradient.bin     float32, that step's dJ/dpsi in the exchange form
// Errors: Unavailable if a file cannot be written; otherwise the engine's.
absl::Status WritePeerFiles(const BenchCase& bench_case,
                            const std::filesystem::path& folder);

}  // namespace foresight

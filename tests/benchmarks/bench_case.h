// The settings that engines are compared at, and what a decision costs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/bundle/bundle.h"
#include "models/bundle/settings.h"

namespace foresight {

struct BenchCase {
  std::shared_ptr<const Bundle> bundle;
  AdaptationSettings settings;     // Reset mode, no guard but the norm limit.
  std::vector<float> observation;  // [S]
  uint64_t seed = 42;

  std::string dynamics() const;  // "diffusion" or "mean_flow".
  // "(10,5,10,1) diffusion": M, H, K, E.
  std::string name() const;

  // What one decision has to compute, in GFLOP: twice the multiply-adds of
  //   E M { H J 2 f + H 2 c + (H + 1) 3 pi + H 2 r + 3 q }
  // with J sampler steps, f the dynamics without the columns of (s, a, e) in
  // the first layer, c those of (s, a), pi the policy (forward, its input, its
  // weights), r the reward, q a critic (two forward, the smaller one back).
  double gigaflop() const;
  // Weights that a decision of one particle reads, each use once, in GB.
  double gigabytes() const;
};

// Random weights of hopper's sizes (S 11, A 3) and the default widths (256), at
// the settings (M, H, K, E) of the issue that this program was written for.
std::vector<BenchCase> DefaultCases();

}  // namespace foresight

// The settings at which engines are compared, and a decision's cost.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/bundle/bundle.h"
#include "models/bundle/settings.h"

namespace foresight {

struct BenchCase {
  std::shared_ptr<const Bundle> bundle;
  AdaptationSettings settings;     // RESET mode; limits only the gradient norm.
  std::vector<float> observation;  // [S]
  uint64_t seed = 42;

  std::string dynamics() const;  // "diffusion" or "mean_flow".
  // "(M,H,K,E) dynamics", such as "(10,5,10,1) diffusion".
  std::string name() const;

  // The work of one decision in GFLOP: twice the multiply-adds of
  //   E M { H J 2 f + H 2 c + (H + 1) 3 pi + H 2 r + 3 q }
  // with J sampler steps, f the dynamics without the columns of (s, a, e) in
  // the first layer, c those of (s, a), pi the policy (forward, its input, its
  // weights), r the reward, q a critic (two forward, the smaller one back).
  double gigaflop() const;
  // The weights that a decision of one particle reads, counted at each use, in
  // GB.
  double gigabytes() const;
};

// Random weights of hopper's sizes (S 11, A 3) and the default widths (256), at
// common settings (M, H, K, E).
std::vector<BenchCase> DefaultCases();

}  // namespace foresight

// The rows of a data set as each part of training may use them: docs/method.md
// section 6's traps are decided here and nowhere else.
#pragma once

#include <cstdint>
#include <vector>

#include "models/data/dataset.h"

namespace foresight {

// N transitions, row-major.
struct Transitions {
  std::vector<float> states;       // [N, S]
  std::vector<float> actions;      // [N, A]
  std::vector<float> rewards;      // [N]
  std::vector<float> next_states;  // [N, S]
  // The action that the data took in the next state: the next row's. Unknown,
  // and zero, on a row that ends an episode.
  std::vector<float> next_actions;       // [N, A]
  std::vector<float> next_action_known;  // [N] 1 or 0.
  std::vector<float> done;               // [N] 1 at a terminal, else 0.

  int64_t size() const { return static_cast<int64_t>(rewards.size()); }  // N
};

// For the dynamics: every row whose true next state is known. That is every
// row but an episode's last, and with `next_observations` the last one too.
Transitions DynamicsTransitions(const Dataset& dataset,
                                const std::vector<Episode>& episodes);

// For the critics: the same rows, and terminal ones, which are done and so
// need no next state (theirs is zero where the data has none). A row that was
// cut off without a next state is left out, never called done.
Transitions CriticTransitions(const Dataset& dataset,
                              const std::vector<Episode>& episodes);

// For the reward: every row. next_states and next_actions are empty.
Transitions RewardTransitions(const Dataset& dataset,
                              const std::vector<Episode>& episodes);

// Up to `limit` rows i, spread evenly, such that rows i .. i + steps lie in
// one episode: places to start a roll-out of `steps` recorded actions.
std::vector<int64_t> RolloutStarts(const std::vector<Episode>& episodes,
                                   int steps, int limit);

}  // namespace foresight

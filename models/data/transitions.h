// Selects the rows of a data set that each part of training may use. Only this
// file handles the traps of docs/method.md section 6.
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
  // The action recorded in the next state, that is in the next row. Unknown,
  // and zero, if the row ends an episode.
  std::vector<float> next_actions;       // [N, A]
  std::vector<float> next_action_known;  // [N] 1 or 0.
  std::vector<float> done;               // [N] 1 if terminal, else 0.

  int64_t size() const { return static_cast<int64_t>(rewards.size()); }  // N
};

// For the dynamics: every row whose true next state is known. Without
// `next_observations` that excludes an episode's last row.
Transitions DynamicsTransitions(const Dataset& dataset,
                                const std::vector<Episode>& episodes);

// For the critics: the same rows and all terminal ones, which are done and need
// no next state (it is zero if the data has none). A row that was cut off
// without a next state is left out, never marked done.
Transitions CriticTransitions(const Dataset& dataset,
                              const std::vector<Episode>& episodes);

// For the reward: every row. next_states and next_actions are empty.
Transitions RewardTransitions(const Dataset& dataset,
                              const std::vector<Episode>& episodes);

// Up to `limit` rows, spread evenly, from which a rollout of `steps` recorded
// actions can start: rows i .. i + steps lie in one episode.
std::vector<int64_t> RolloutStarts(const std::vector<Episode>& episodes,
                                   int steps, int limit);

}  // namespace foresight

#include "models/data/transitions.h"

#include "absl/types/span.h"

namespace foresight {
namespace {

void Append(std::vector<float>& to, absl::Span<const float> values) {
  to.insert(to.end(), values.begin(), values.end());
}

void AppendZeros(std::vector<float>& to, int count) {
  to.insert(to.end(), count, 0.0f);
}

void AppendRow(const Dataset& dataset, int64_t row, Transitions& to) {
  Append(to.states, dataset.observation(row));
  Append(to.actions, dataset.action(row));
  to.rewards.push_back(dataset.rewards[row]);
}

// The rows with a next state; with `and_terminals` also those that need none.
Transitions WithNextStates(const Dataset& dataset,
                           const std::vector<Episode>& episodes,
                           bool and_terminals) {
  const int S = dataset.observation_size;
  const bool next_is_stored = !dataset.next_observations.empty();
  Transitions transitions;
  for (const Episode& episode : episodes) {
    for (int64_t row = episode.begin; row < episode.end; ++row) {
      const bool last = row + 1 == episode.end;
      const bool done = last && episode.terminal;
      if (last && !next_is_stored && !(done && and_terminals)) continue;
      AppendRow(dataset, row, transitions);
      if (next_is_stored) {
        Append(
            transitions.next_states,
            absl::MakeConstSpan(dataset.next_observations).subspan(row * S, S));
      } else if (!last) {
        Append(transitions.next_states, dataset.observation(row + 1));
      } else {
        AppendZeros(transitions.next_states, S);
      }
      if (last) {
        AppendZeros(transitions.next_actions, dataset.action_size);
      } else {
        Append(transitions.next_actions, dataset.action(row + 1));
      }
      transitions.next_action_known.push_back(last ? 0.0f : 1.0f);
      transitions.done.push_back(done ? 1.0f : 0.0f);
    }
  }
  return transitions;
}

}  // namespace

Transitions DynamicsTransitions(const Dataset& dataset,
                                const std::vector<Episode>& episodes) {
  return WithNextStates(dataset, episodes, /*and_terminals=*/false);
}

Transitions CriticTransitions(const Dataset& dataset,
                              const std::vector<Episode>& episodes) {
  return WithNextStates(dataset, episodes, /*and_terminals=*/true);
}

Transitions RewardTransitions(const Dataset& dataset,
                              const std::vector<Episode>& episodes) {
  Transitions transitions;
  for (const Episode& episode : episodes) {
    for (int64_t row = episode.begin; row < episode.end; ++row) {
      AppendRow(dataset, row, transitions);
    }
  }
  return transitions;
}

std::vector<int64_t> RolloutStarts(const std::vector<Episode>& episodes,
                                   int steps, int limit) {
  std::vector<int64_t> starts;
  for (const Episode& episode : episodes) {
    for (int64_t row = episode.begin; row + steps < episode.end; ++row) {
      starts.push_back(row);
    }
  }
  const int64_t count = static_cast<int64_t>(starts.size());
  if (count <= limit) return starts;
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < limit; ++i)
    chosen.push_back(starts[i * count / limit]);
  return chosen;
}

}  // namespace foresight

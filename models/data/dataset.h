// Recorded transitions in D4RL's format, cut into episodes (docs/method.md
// section 6). No LibTorch here: plain float32 rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace foresight {

// Rows begin .. end - 1 of a data set, consecutive in time.
struct Episode {
  int64_t begin = 0;
  int64_t end = 0;
  // True if the last row is marked terminal: its next state has no value. False
  // if the episode was cut off and could have continued.
  bool terminal = false;
};

// Row i is (s_i, a_i, r_i). Inside an episode the next state is that of row i +
// 1; at its end it is known only if the file has `next_observations`.
struct Dataset {
  int observation_size = 0;              // S
  int action_size = 0;                   // A
  std::vector<float> observations;       // [N, S]
  std::vector<float> actions;            // [N, A]
  std::vector<float> rewards;            // [N]
  std::vector<float> next_observations;  // [N, S], or empty.
  std::vector<Episode> episodes;         // In order; they cover every row.

  int64_t rows() const { return static_cast<int64_t>(rewards.size()); }  // N
  absl::Span<const float> observation(int64_t row) const;                // [S]
  absl::Span<const float> action(int64_t row) const;                     // [A]
};

// Reads `observations` [N, S], `actions` [N, A], `rewards` and `terminals` ([N]
// or [N, 1]), and `timeouts` and `next_observations` if they exist; anything
// else in the file is ignored. Numbers may be float32, float64 or integers,
// flags also bool. An episode ends at a terminal or a timeout; in a file
// without timeouts it ends at a terminal or after `step_limit` steps. The last
// row always ends an episode.
// Errors, naming the file, the data set and a wrong value's row:
//   NotFound:        the file or a data set is missing.
//   InvalidArgument: the file is not HDF5, a shape does not fit, there is no
//                    row, step_limit < 1, or a value is wrong: not finite in
//                    float32, a flag that is neither 0 nor 1, or an action
//                    outside [-1, 1] by more than rounding.
//   DataLoss:        the contents of the file cannot be read.
absl::StatusOr<Dataset> ReadDataset(const std::filesystem::path& path,
                                    int step_limit);

// Leaves the first `count` rows, 1 <= count <= rows(). An episode that goes on
// after them ends there and counts as cut off.
void KeepFirstRows(Dataset& dataset, int64_t count);

// The episodes for training, and those held out to measure with.
struct Split {
  std::vector<Episode> training;
  std::vector<Episode> held_out;
};

// Holds out whole episodes, drawn with `seed`: `fraction` of them, rounded
// down, but at least `minimum`. Both lists are in the data's order.
// Errors: InvalidArgument: no episode would be left to train on.
absl::StatusOr<Split> HoldOut(const std::vector<Episode>& episodes,
                              double fraction, int minimum, uint64_t seed);

}  // namespace foresight

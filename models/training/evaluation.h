// Measures a bundle's models on episodes they were not trained on.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/bundle/bundle.h"
#include "models/data/transitions.h"
#include "models/training/data_source.h"
#include "models/training/regression_error.h"
#include "models/training/rollout.h"
#include "models/training/trainer.h"

namespace foresight {

// The lengths of the measured rollouts, and the most rollouts per length.
inline constexpr int kRolloutLengths[] = {1, 5, 10};
inline constexpr int kRolloutCount = 1000;

// The rollouts in `source`'s held-out episodes; one entry for each length that
// fits in any of them.
std::vector<RecordedRollouts> HeldOutRollouts(const DataSource& source,
                                              at::TensorOptions options);

// The least-squares fit s' = s + W [s, a, 1] to training transitions, which a
// learnt model has to beat.
class LinearDynamics {
 public:
  // `training` has at least one row.
  LinearDynamics(const Transitions& training, int S, int A,
                 at::TensorOptions options);
  // [N, S], [N, A] -> [N, S]
  at::Tensor Next(const at::Tensor& states, const at::Tensor& actions) const;

 private:
  at::Tensor input_mean_, input_std_;  // [S + A]
  at::Tensor weight_;                  // [S + A + 1, S]
};

struct ErrorTable {
  struct Row {
    int64_t steps = 0;
    RegressionError model, linear, stays;  // stays: s' = s.
  };
  std::vector<Row> states;  // For each length, in raw units.
  RegressionError reward;   // On every held-out row.
  int64_t held_out_rows = 0;
};

// Measures the bundle's dynamics, with one sample per row, and its reward.
// Errors:
//   InvalidArgument: the bundle's S or A differs from the data's.
//   Internal:        LibTorch failed.
absl::StatusOr<ErrorTable> MeasureBundle(const Bundle& bundle,
                                         const DataSource& source,
                                         at::TensorOptions options);

// The values for the provenance: "state_rmse_n", the same with "_error"
// (standard error) and "_worst" (largest row), "linear_rmse_n", "stays_rmse_n",
// "reward_rmse", "reward_rmse_error", "held_out_rows".
Measurements Summarise(const ErrorTable& table);

// The table as text for people.
std::string FormatTable(const ErrorTable& table);

}  // namespace foresight

// Recorded stretches of episodes, to measure how far a model strays from them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "models/data/dataset.h"
#include "models/training/regression_error.h"
#include "models/training/trainer.h"

namespace foresight {

// R stretches of n transitions.
struct RecordedRollouts {
  at::Tensor states;   // [R, S], the first states.
  at::Tensor actions;  // [n, R, A]
  at::Tensor ends;     // [R, S], the last states.

  int64_t steps() const { return actions.size(0); }  // n
};

// Up to `limit` stretches of `steps` transitions, spread over `episodes`;
// none if every episode is shorter.
RecordedRollouts RecordRollouts(const Dataset& dataset,
                                const std::vector<Episode>& episodes, int steps,
                                int limit, at::TensorOptions options);

// A model's transition: s [R, S], a [R, A], z [J, R, S] -> s' [R, S].
using Transition = std::function<at::Tensor(
    const at::Tensor& s, const at::Tensor& a, const at::Tensor& z)>;

// Repeats the recorded actions through `transition` and compares the ends. Each
// transition gets `slots` = J normal numbers per value, the same in every call.
RegressionError MeasureRollouts(const RecordedRollouts& rollouts, int slots,
                                const Transition& transition);

// Measurements "name_n", "name_n_error" and "name_n_worst", where n is the
// rollouts' length.
Measurements NameError(const std::string& name, int64_t steps,
                       const RegressionError& error);

}  // namespace foresight

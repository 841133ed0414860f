#include "models/training/rollout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <c10/core/GradMode.h>

#include "absl/strings/str_cat.h"
#include "models/data/transitions.h"

namespace foresight {
namespace {

constexpr uint64_t kNoiseSeed = 5;

}  // namespace

RecordedRollouts RecordRollouts(const Dataset& dataset,
                                const std::vector<Episode>& episodes, int steps,
                                int limit, at::TensorOptions options) {
  const int S = dataset.observation_size, A = dataset.action_size;
  std::vector<float> states, ends;
  std::vector<std::vector<float>> actions(steps);
  const auto append = [](std::vector<float>& to, absl::Span<const float> row) {
    to.insert(to.end(), row.begin(), row.end());
  };
  for (const int64_t row : RolloutStarts(episodes, steps, limit)) {
    append(states, dataset.observation(row));
    append(ends, dataset.observation(row + steps));
    for (int n = 0; n < steps; ++n) {
      append(actions[n], dataset.action(row + n));
    }
  }
  std::vector<at::Tensor> stacked;
  for (const std::vector<float>& at_step : actions) {
    stacked.push_back(RowsToTensor(at_step, A, options));
  }
  return {RowsToTensor(states, S, options), at::stack(stacked),
          RowsToTensor(ends, S, options)};
}

RegressionError MeasureRollouts(const RecordedRollouts& rollouts, int slots,
                                const Transition& transition) {
  const at::NoGradGuard no_grad;
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(kNoiseSeed);
  at::Tensor states = rollouts.states;
  for (int64_t n = 0; n < rollouts.steps(); ++n) {
    const at::Tensor z = at::randn({slots, states.size(0), states.size(1)},
                                   random, at::TensorOptions(at::kFloat));
    states = transition(states, rollouts.actions[n], z.to(states.device()));
  }
  return MeasureError(states, rollouts.ends);
}

Measurements NameError(const std::string& name, int64_t steps,
                       const RegressionError& error) {
  const std::string full = absl::StrCat(name, "_", steps);
  return {{full, error.rmse},
          {full + "_error", error.standard_error},
          {full + "_worst", error.worst_row}};
}

}  // namespace foresight

#include "models/training/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_pinv.h>
#include <ATen/ops/ones.h>
#include <c10/core/GradMode.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "models/data/fitted_standardiser.h"
#include "models/networks/dynamics.h"
#include "models/networks/reward.h"

namespace foresight {
namespace {

// The matrix of inputs with a column of ones, in double.
at::Tensor WithOnes(const at::Tensor& x) {
  return at::cat({x, at::ones({x.size(0), 1}, x.options())}, -1);
}

at::Tensor Join(const Transitions& transitions, int S, int A,
                at::TensorOptions options) {
  return at::cat({RowsToTensor(transitions.states, S, options),
                  RowsToTensor(transitions.actions, A, options)},
                 -1);
}

RegressionError MeasureReward(const Bundle& bundle, const Transitions& rows,
                              at::TensorOptions options) {
  const RewardNetwork reward = RewardNetwork::FromBundle(bundle, options);
  const at::Tensor predicted = reward.Forward(
      RowsToTensor(rows.states, bundle.observation_size(), options),
      RowsToTensor(rows.actions, bundle.action_size(), options));
  return MeasureError(predicted.unsqueeze(-1),
                      RowsToTensor(rows.rewards, 1, options));
}

// LibTorch's exceptions pass through.
ErrorTable Measure(const Bundle& bundle, const DataSource& source,
                   at::TensorOptions options) {
  const at::NoGradGuard no_grad;
  const Dataset& data = source.dataset;
  const LinearDynamics linear(DynamicsTransitions(data, source.split.training),
                              data.observation_size, data.action_size, options);
  const Sampler sampler =
      Sampler::FromBundle(bundle, bundle.sampler_limits().steps, options);
  ErrorTable table;
  for (const RecordedRollouts& rollouts : HeldOutRollouts(source, options)) {
    using at::Tensor;
    ErrorTable::Row row;
    row.steps = rollouts.steps();
    row.model =
        MeasureRollouts(rollouts, sampler.slots(),
                        [&](const Tensor& s, const Tensor& a, const Tensor& z) {
                          return sampler.Next(s, a, z);
                        });
    row.linear = MeasureRollouts(
        rollouts, 0, [&](const Tensor& s, const Tensor& a, const Tensor&) {
          return linear.Next(s, a);
        });
    row.stays = MeasureRollouts(
        rollouts, 0,
        [](const Tensor& s, const Tensor&, const Tensor&) { return s; });
    table.states.push_back(row);
  }
  const Transitions held_out = RewardTransitions(data, source.split.held_out);
  table.held_out_rows = held_out.size();
  table.reward = MeasureReward(bundle, held_out, options);
  return table;
}

}  // namespace

std::vector<RecordedRollouts> HeldOutRollouts(const DataSource& source,
                                              at::TensorOptions options) {
  std::vector<RecordedRollouts> rollouts;
  for (const int steps : kRolloutLengths) {
    if (RolloutStarts(source.split.held_out, steps, 1).empty()) continue;
    rollouts.push_back(RecordRollouts(source.dataset, source.split.held_out,
                                      steps, kRolloutCount, options));
  }
  return rollouts;
}

LinearDynamics::LinearDynamics(const Transitions& training, int S, int A,
                               at::TensorOptions options) {
  const at::NoGradGuard no_grad;
  const at::TensorOptions wide = options.dtype(at::kDouble);
  const FittedStandardiser states = FitStandardiser(training.states, S, 1e-6f);
  const FittedStandardiser actions =
      FitStandardiser(training.actions, A, 1e-6f);
  input_mean_ = at::cat({RowsToTensor(states.mean, 0, wide),
                         RowsToTensor(actions.mean, 0, wide)});
  input_std_ = at::cat(
      {RowsToTensor(states.std, 0, wide), RowsToTensor(actions.std, 0, wide)});
  const at::Tensor x =
      WithOnes((Join(training, S, A, wide) - input_mean_) / input_std_);
  const at::Tensor change = RowsToTensor(training.next_states, S, wide) -
                            RowsToTensor(training.states, S, wide);
  // Solves the normal equations of standardised columns in double; the
  // pseudo-inverse copes with a column that never varies.
  weight_ = at::linalg_pinv(x.t().matmul(x), 1e-12, /*hermitian=*/true)
                .matmul(x.t().matmul(change));
}

at::Tensor LinearDynamics::Next(const at::Tensor& states,
                                const at::Tensor& actions) const {
  const at::Tensor input = at::cat({states, actions}, -1).to(at::kDouble);
  const at::Tensor x = WithOnes((input - input_mean_) / input_std_);
  return states + x.matmul(weight_).to(states.dtype());
}

absl::StatusOr<ErrorTable> MeasureBundle(const Bundle& bundle,
                                         const DataSource& source,
                                         at::TensorOptions options) {
  const Dataset& data = source.dataset;
  if (bundle.observation_size() != data.observation_size ||
      bundle.action_size() != data.action_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the data has S = ", data.observation_size, ", A = ", data.action_size,
        ", expected the bundle's S = ", bundle.observation_size(),
        ", A = ", bundle.action_size()));
  }
  try {
    return Measure(bundle, source, options);
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("evaluation: ", error.what()));
  }
}

Measurements Summarise(const ErrorTable& table) {
  Measurements values;
  for (const ErrorTable::Row& row : table.states) {
    for (auto& named : NameError("state_rmse", row.steps, row.model)) {
      values.push_back(std::move(named));
    }
    values.emplace_back(absl::StrCat("linear_rmse_", row.steps),
                        row.linear.rmse);
    values.emplace_back(absl::StrCat("stays_rmse_", row.steps), row.stays.rmse);
  }
  values.emplace_back("reward_rmse", table.reward.rmse);
  values.emplace_back("reward_rmse_error", table.reward.standard_error);
  values.emplace_back("held_out_rows", table.held_out_rows);
  return values;
}

std::string FormatTable(const ErrorTable& table) {
  std::string text = absl::StrFormat(
      "RMSE on held-out episodes (%d rows), raw units, +- standard error\n"
      "%-12s %20s %12s %12s %12s\n",
      table.held_out_rows, "", "model", "worst row", "linear fit", "stays");
  const auto line = [&](const std::string& name, const RegressionError& error) {
    absl::StrAppendFormat(&text, "%-12s %10.4f +- %6.4f %12.4f", name,
                          error.rmse, error.standard_error, error.worst_row);
  };
  for (const ErrorTable::Row& row : table.states) {
    line(
        absl::StrCat("state, ", row.steps, row.steps == 1 ? " step" : " steps"),
        row.model);
    absl::StrAppendFormat(&text, " %12.4f %12.4f\n", row.linear.rmse,
                          row.stays.rmse);
  }
  line("reward", table.reward);
  return text + "\n";
}

}  // namespace foresight

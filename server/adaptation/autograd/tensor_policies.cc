#include "server/adaptation/autograd/tensor_policies.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <exception>

#include "server/adaptation/autograd/autograd_parameters.h"
#include "server/adaptation/autograd/tensor_rows.h"

namespace foresight {
namespace {

constexpr int64_t kMaxTapeBytes = int64_t{1} << 30;

// Every problem of the evaluation has to stop.
class Stopped : public std::exception {};

AutogradParameters& ParametersOf(const Problem& problem) {
  return static_cast<AutogradParameters&>(*problem.parameters);
}

// sum += part, of the first part on.
void Add(const at::Tensor& part, at::Tensor& sum) {
  sum = sum.defined() ? sum + part : part;
}

// [P, N] from the gradients of Split's tensors.
at::Tensor FlatRows(const std::vector<at::Tensor>& tensors, int64_t rows) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors) {
    parts.push_back(tensor.reshape({rows, -1}));
  }
  return at::cat(parts, 1);
}

}  // namespace

TensorPolicies::TensorPolicies(const WorldModel& model,
                               absl::Span<Problem* const> problems,
                               int64_t max_rows)
    : model_(model), problems_(problems), stopped_(problems.size()) {
  std::vector<float> observations;
  std::vector<at::Tensor> starts;
  for (const Problem* problem : problems) {
    observations.insert(observations.end(), problem->observation.begin(),
                        problem->observation.end());
    starts.push_back(problem->settings.mode == Mode::kReset
                         ? model.pretrained()
                         : ParametersOf(*problem).flat());
  }
  const int64_t count = problems.size();
  observations_ = ToTensor(observations, {count, model.observation_size()},
                           model.options());
  start_ = count == 1 ? starts[0].unsqueeze(0) : at::stack(starts);
  working_ = previous_ = start_;

  const int64_t tape =
      model.TapeBytes(settings().horizon, settings().sampler_steps);
  blocks_ = SplitParticles(settings().particles, model.members(),
                           std::min(max_rows, kMaxTapeBytes / tape) / count);
}

void TensorPolicies::Act(absl::Span<const int> which, Psi psi,
                         absl::Span<float> actions) {
  const c10::NoGradGuard no_grad;
  const PolicyNetwork policy = model_.Policy(model_.Split(RowsOf(psi, which)));
  at::Tensor s = SelectRows(observations_, which);
  if (which.size() > 1) s = s.unsqueeze(1);  // [P', 1, S]
  const at::Tensor a = policy.Act(s).to(at::kCPU, at::kFloat).contiguous();
  const float* row = a.data_ptr<float>();
  for (const int i : which) {
    std::copy_n(row, action_size(), actions.begin() + i * action_size());
    row += action_size();
  }
}

bool TensorPolicies::Sweep(absl::Span<const int> which,
                           const PolicyNetwork& policy, NoiseBank bank,
                           const StopSignals& stop,
                           absl::FunctionRef<void(const at::Tensor&)> take) {
  // On the way back the hooks stop the work as `between` does on the way there.
  const auto between = [&](const at::Tensor& s) {
    CheckStop(which, stop, s);
    if (!s.requires_grad()) return;
    s.register_hook([this, which, &stop](const at::Tensor& slope) {
      CheckStop(which, stop, slope);
    });
  };
  try {
    CheckStop(which, stop, observations_);
    for (const ParticleBlock& block : blocks_) {
      take(ImaginedReturn(model_, policy, RollOutsOf(which, bank, block),
                          between) /
           settings().particles);
    }
  } catch (const Stopped&) {
    return false;
  }
  return true;
}

void TensorPolicies::Differentiate(absl::Span<const int> which,
                                   const StopSignals& stop,
                                   absl::Span<Evaluation> out) {
  const c10::AutoGradMode grad_mode(true);
  const int64_t count = which.size();
  std::vector<at::Tensor> psi = model_.Split(SelectRows(working_, which));
  for (at::Tensor& tensor : psi) {
    tensor = tensor.detach().set_requires_grad(true);
  }
  at::Tensor objective, gradient;
  const auto take = [&](const at::Tensor& returns) {
    Add(FlatRows(torch::autograd::grad({returns.sum()}, psi), count), gradient);
    Add(returns.detach().to(at::kDouble), objective);
  };
  if (!Sweep(which, model_.Policy(psi), NoiseBank::kAdaptation, stop, take)) {
    for (const int i : which) out[i] = Evaluation();
    return;
  }
  if (!gradient_.defined()) gradient_ = at::zeros_like(working_);
  gradient_ = ReplaceRows(gradient_, which, gradient);
  const at::Tensor numbers =
      at::stack({objective, RowNorms(gradient)}, 1).to(at::kCPU).contiguous();
  const double* number = numbers.data_ptr<double>();
  for (const int i : which) {
    out[i] = {!stopped_[i], number[0], number[1]};
    number += 2;
  }
}

void TensorPolicies::Evaluate(absl::Span<const int> which, Psi psi,
                              NoiseBank bank, const StopSignals& stop,
                              absl::Span<Evaluation> out) {
  const c10::NoGradGuard no_grad;
  at::Tensor objective;
  const auto take = [&](const at::Tensor& returns) {
    Add(returns.to(at::kDouble), objective);
  };
  if (!Sweep(which, model_.Policy(model_.Split(RowsOf(psi, which))), bank, stop,
             take)) {
    for (const int i : which) out[i] = Evaluation();
    return;
  }
  const at::Tensor numbers = objective.to(at::kCPU).contiguous();
  const double* number = numbers.data_ptr<double>();
  for (const int i : which) out[i] = {!stopped_[i], *number++, 0};
}

void TensorPolicies::Ascend(absl::Span<const int> which,
                            absl::Span<const double> scale) {
  const c10::NoGradGuard no_grad;
  previous_ = working_;
  working_ = ReplaceRows(working_, which,
                         SelectRows(working_, which) +
                             SelectRows(gradient_, which) *
                                 SelectColumn(scale, which, model_.options()));
}

void TensorPolicies::Retract(absl::Span<const int> which) {
  working_ = ReplaceRows(working_, which, SelectRows(previous_, which));
}

// A factor of 0 is a case of its own: -0 + 0 would not be -0.
void TensorPolicies::Pull(absl::Span<const int> which, Psi anchor,
                          absl::Span<const double> factor) {
  const c10::NoGradGuard no_grad;
  const at::Tensor from = RowsOf(anchor, which);
  const at::Tensor by = SelectColumn(factor, which, model_.options());
  const at::Tensor pulled = from + (SelectRows(working_, which) - from) * by;
  working_ = ReplaceRows(working_, which, at::where(by == 0, from, pulled));
}

void TensorPolicies::Drift(absl::Span<const int> which,
                           absl::Span<double> drift) {
  const c10::NoGradGuard no_grad;
  const at::Tensor norms =
      RowNorms(SelectRows(working_, which) - model_.pretrained()).to(at::kCPU);
  const at::Tensor flat = norms.contiguous();
  const double* norm = flat.data_ptr<double>();
  for (const int i : which) drift[i] = *norm++;
}

void TensorPolicies::Commit(absl::Span<const int> which) {
  std::vector<at::Tensor> finals;  // All made before the first is taken.
  for (const int i : which) {
    const bool reset = problems_[i]->settings.mode == Mode::kReset;
    at::Tensor row = reset ? model_.pretrained() : working_[i];
    if (!reset && problems_.size() > 1) row = row.clone();
    finals.push_back(row);
  }
  for (size_t k = 0; k < which.size(); ++k) {
    ParametersOf(*problems_[which[k]]).Replace(std::move(finals[k]));
  }
}

at::Tensor TensorPolicies::RowsOf(Psi psi, absl::Span<const int> which) const {
  switch (psi) {
    case Psi::kPretrained:
      return model_.pretrained().expand(
          {static_cast<int64_t>(which.size()), -1});
    case Psi::kStart:
      return SelectRows(start_, which);
    case Psi::kWorking:
      return SelectRows(working_, which);
  }
  return {};
}

RollOuts TensorPolicies::RollOutsOf(absl::Span<const int> which, NoiseBank bank,
                                    const ParticleBlock& block) {
  RollOuts roll_outs;
  roll_outs.observations = SelectRows(observations_, which);
  roll_outs.sampler = &model_.sampler(settings().sampler_steps);
  roll_outs.noise = &Noise(which, bank, block);
  roll_outs.particles = block.count;
  roll_outs.horizon = settings().horizon;
  roll_outs.discount = settings().discount;
  return roll_outs;
}

const SamplerNoise& TensorPolicies::Noise(absl::Span<const int> which,
                                          NoiseBank bank,
                                          const ParticleBlock& block) {
  if (bank != NoiseBank::kAdaptation || blocks_.size() > 1) {
    drawn_ = DrawNoise(model_, problems_, which, bank, block);
    return drawn_;
  }
  if (noise_of_.empty() || absl::MakeConstSpan(noise_of_) != which) {
    noise_ = DrawNoise(model_, problems_, which, bank, block);
    noise_of_.assign(which.begin(), which.end());
  }
  return noise_;
}

// A device that works behind is waited for where time counts, for the answer to
// be about what is done.
void TensorPolicies::CheckStop(absl::Span<const int> which,
                               const StopSignals& stop,
                               const at::Tensor& latest) {
  const bool timed = std::any_of(which.begin(), which.end(), [&](int i) {
    return problems_[i]->deadline != absl::InfiniteFuture();
  });
  if (timed && !latest.device().is_cpu()) latest.flatten()[0].item();
  bool all = true;
  for (const int i : which) {
    if (stop.ShouldStop(i)) stopped_[i] = true;
    all &= stopped_[i];
  }
  if (all) throw Stopped();
}

}  // namespace foresight

#include "server/adaptation/autograd/tensor_policies.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "models/networks/tensor_standardiser.h"
#include "server/adaptation/autograd/autograd_parameters.h"
#include "server/adaptation/autograd/catch_torch.h"
#include "server/adaptation/autograd/tensor_rows.h"
#include "server/adaptation/check_problem.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int64_t kMaxTapeBytes = int64_t{1} << 30;

// While this object lives, LibTorch uses only the calling thread: products
// split over threads are summed in another order.
class OneThread {
 public:
  OneThread() {
    if (before_ != 1) at::set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) at::set_num_threads(before_);
  }

 private:
  const int before_ = at::get_num_threads();
};

// Thrown when every problem of the evaluation has to stop.
class Stopped : public std::exception {};

AutogradParameters& ParametersOf(const Problem& problem) {
  return static_cast<AutogradParameters&>(*problem.parameters);
}

// sum += part; the first part initialises `sum`.
void Add(const at::Tensor& part, at::Tensor& sum) {
  sum = sum.defined() ? sum + part : part;
}

// Joins the gradients of Split's tensors into [P, N].
at::Tensor FlatRows(const std::vector<at::Tensor>& tensors, int64_t rows) {
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors) {
    parts.push_back(tensor.reshape({rows, -1}));
  }
  return at::cat(parts, 1);
}

// Problems with equal shapes can be computed side by side.
auto ShapeOf(const Problem& problem) {
  const AdaptationSettings& settings = problem.settings;
  return std::tuple(settings.horizon, settings.particles,
                    settings.sampler_steps, settings.discount);
}

}  // namespace

bool TensorPolicies::SameShape(const Problem& a, const Problem& b) {
  return ShapeOf(a) == ShapeOf(b);
}

TensorPolicies::TensorPolicies(const WorldModel& model, Options options)
    : model_(model), options_(options) {}

absl::Status TensorPolicies::Try(absl::FunctionRef<void()> body) const {
  return CatchTorch([&] {
    std::optional<OneThread> one_thread;
    if (model_.options().device().is_cpu()) one_thread.emplace();
    body();
  });
}

absl::Status TensorPolicies::Check(const Problem& problem) const {
  RETURN_IF_ERROR(CheckProblem(problem, model_.observation_size()));
  const auto* parameters =
      dynamic_cast<const AutogradParameters*>(problem.parameters);
  const at::Tensor& psi_0 = model_.pretrained();
  if (parameters == nullptr || parameters->flat().sizes() != psi_0.sizes() ||
      parameters->flat().device() != psi_0.device() ||
      parameters->flat().dtype() != psi_0.dtype()) {
    return absl::InvalidArgumentError(
        "parameters belong to another engine, expected this one's "
        "NewParameters");
  }
  return absl::OkStatus();
}

void TensorPolicies::Begin(int i, Problem& problem) {
  Session session;
  session.problem = &problem;
  session.observation = ToTensor(problem.observation,
                                 {model_.observation_size()}, model_.options());
  session.start = problem.settings.mode == Mode::kReset
                      ? model_.pretrained()
                      : ParametersOf(problem).flat();
  session.working = session.saved = session.start;
  if (sessions_.size() <= static_cast<size_t>(i)) sessions_.resize(i + 1);
  sessions_[i] = std::move(session);
}

// Forgets the problem's noise, since a later problem may have its address.
void TensorPolicies::End(int i) noexcept {
  const Problem* const problem = sessions_[i].problem;
  if (std::count(noise_of_.begin(), noise_of_.end(), problem) > 0) {
    noise_of_.clear();
    noise_ = {};
  }
  drawn_ = {};
  sessions_[i] = Session();
}

std::vector<std::vector<int>> TensorPolicies::Groups(
    absl::Span<const int> which) const {
  std::vector<std::vector<int>> groups;
  for (const int i : which) {
    const auto joins = [&](const std::vector<int>& group) {
      return group.size() < static_cast<size_t>(options_.max_batch) &&
             SameShape(*sessions_[group[0]].problem, *sessions_[i].problem);
    };
    const auto group = std::find_if(groups.begin(), groups.end(), joins);
    if (group != groups.end()) {
      group->push_back(i);
    } else {
      groups.push_back({i});
    }
  }
  return groups;
}

at::Tensor TensorPolicies::Rows(absl::Span<const int> which,
                                at::Tensor Session::*member) const {
  if (which.size() == 1) return (sessions_[which[0]].*member).unsqueeze(0);
  std::vector<at::Tensor> rows;
  for (const int i : which) rows.push_back(sessions_[i].*member);
  return at::stack(rows);
}

void TensorPolicies::Act(absl::Span<const int> which, Psi psi,
                         absl::Span<float> actions) {
  ApplyPolicy(which, psi, &PolicyNetwork::Act, actions);
}

void TensorPolicies::ActBeforeTanh(absl::Span<const int> which, Psi psi,
                                   absl::Span<float> outputs) {
  ApplyPolicy(which, psi, &PolicyNetwork::ActBeforeTanh, outputs);
}

void TensorPolicies::ApplyPolicy(
    absl::Span<const int> which, Psi psi,
    at::Tensor (PolicyNetwork::*function)(const at::Tensor&) const,
    absl::Span<float> rows) {
  const c10::NoGradGuard no_grad;
  ForEachBatch(which, [&](absl::Span<const int> some) {
    const PolicyNetwork policy = model_.Policy(model_.Split(RowsOf(psi, some)));
    at::Tensor s = Rows(some, &Session::observation);
    if (some.size() > 1) s = s.unsqueeze(1);  // [P', 1, S]
    const at::Tensor values =
        (policy.*function)(s).to(at::kCPU, at::kFloat).contiguous();
    const float* row = values.data_ptr<float>();
    for (const int i : some) {
      std::copy_n(row, action_size(), rows.begin() + i * action_size());
      row += action_size();
    }
  });
}

void TensorPolicies::ForEachBatch(
    absl::Span<const int> which,
    absl::FunctionRef<void(absl::Span<const int>)> body) const {
  while (!which.empty()) {
    const size_t count = std::min<size_t>(which.size(), options_.max_batch);
    body(which.first(count));
    which.remove_prefix(count);
  }
}

bool TensorPolicies::Sweep(absl::Span<const int> which,
                           const PolicyNetwork& policy, NoiseBank bank,
                           const StopSignals& stop,
                           absl::FunctionRef<void(const at::Tensor&)> take) {
  // Hooks stop the backward pass as `between` stops the forward pass.
  const auto between = [&](const at::Tensor& s) {
    CheckStop(which, stop, s);
    if (!s.requires_grad()) return;
    s.register_hook([this, which, &stop](const at::Tensor& slope) {
      CheckStop(which, stop, slope);
    });
  };
  for (const int i : which) sessions_[i].stopped = false;
  const AdaptationSettings& settings = sessions_[which[0]].problem->settings;
  const int64_t tape =
      model_.TapeBytes(settings.horizon, settings.sampler_steps);
  const std::vector<ParticleBlock> blocks = SplitParticles(
      settings.particles, model_.members(),
      std::min(options_.max_rows, kMaxTapeBytes / tape) / which.size());
  RolloutInputs rollouts;
  rollouts.observations = Rows(which, &Session::observation);
  rollouts.sampler = &model_.sampler(settings.sampler_steps);
  rollouts.horizon = settings.horizon;
  rollouts.discount = settings.discount;
  try {
    CheckStop(which, stop, rollouts.observations);
    for (const ParticleBlock& block : blocks) {
      rollouts.noise = &Noise(which, bank, block, blocks.size() == 1);
      rollouts.particles = block.count;
      take(ImaginedReturn(model_, policy, rollouts, between) /
           settings.particles);
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
  for (const std::vector<int>& group : Groups(which)) {
    const int64_t count = group.size();
    std::vector<at::Tensor> psi = model_.Split(Rows(group, &Session::working));
    for (at::Tensor& tensor : psi) {
      tensor = tensor.detach().set_requires_grad(true);
    }
    at::Tensor objective, gradient;
    const auto take = [&](const at::Tensor& returns) {
      Add(FlatRows(torch::autograd::grad({returns.sum()}, psi), count),
          gradient);
      Add(returns.detach().to(at::kDouble), objective);
    };
    for (const int i : group) out[i] = Evaluation();
    if (!Sweep(group, model_.Policy(psi), NoiseBank::kAdaptation, stop, take)) {
      continue;
    }
    const at::Tensor numbers =
        at::stack({objective, RowNorms(gradient)}, 1).to(at::kCPU).contiguous();
    const double* number = numbers.data_ptr<double>();
    for (int64_t k = 0; k < count; ++k, number += 2) {
      Session& session = sessions_[group[k]];
      session.gradient = gradient[k];
      out[group[k]] = {!session.stopped, number[0], number[1]};
    }
  }
}

void TensorPolicies::Evaluate(absl::Span<const int> which, Psi psi,
                              NoiseBank bank, const StopSignals& stop,
                              absl::Span<Evaluation> out) {
  const c10::NoGradGuard no_grad;
  for (const std::vector<int>& group : Groups(which)) {
    at::Tensor objective;
    const auto take = [&](const at::Tensor& returns) {
      Add(returns.to(at::kDouble), objective);
    };
    for (const int i : group) out[i] = Evaluation();
    if (!Sweep(group, model_.Policy(model_.Split(RowsOf(psi, group))), bank,
               stop, take)) {
      continue;
    }
    const at::Tensor numbers = objective.to(at::kCPU).contiguous();
    const double* number = numbers.data_ptr<double>();
    for (const int i : group) out[i] = {!sessions_[i].stopped, *number++, 0};
  }
}

int TensorPolicies::Imagine(int i, const StopSignals& stop,
                            absl::Span<float> plan) {
  const c10::NoGradGuard no_grad;
  const Session& session = sessions_[i];
  const PolicyNetwork policy =
      model_.Policy(model_.Split(session.working.unsqueeze(0)));
  const Sampler& sampler =
      model_.sampler(session.problem->settings.sampler_steps);
  at::Tensor s = session.observation.unsqueeze(0);
  const at::Tensor z =
      at::zeros({sampler.slots(), 1, s.size(1)}, model_.options());
  at::Tensor a = policy.Act(s);
  for (int row = 0; row < session.problem->plan_length; ++row) {
    s = sampler.Next(s, a, z);
    a = policy.Act(s);
    const at::Tensor values = a.to(at::kCPU, at::kFloat).contiguous();
    if (stop.ShouldStop(i)) return row;
    std::copy_n(values.data_ptr<float>(), action_size(),
                plan.begin() + row * action_size());
  }
  return session.problem->plan_length;
}

void TensorPolicies::Save(absl::Span<const int> which) noexcept {
  for (const int i : which) sessions_[i].saved = sessions_[i].working;
}

void TensorPolicies::Restore(absl::Span<const int> which) noexcept {
  for (const int i : which) sessions_[i].working = sessions_[i].saved;
}

void TensorPolicies::Ascend(absl::Span<const int> which,
                            absl::Span<const double> scale) {
  const c10::NoGradGuard no_grad;
  const at::Tensor next = Rows(which, &Session::working) +
                          Rows(which, &Session::gradient) *
                              SelectColumn(scale, which, model_.options());
  SetWorking(which, next);
}

// A factor of 0 is a special case, since -0 + 0 is not -0.
void TensorPolicies::Pull(absl::Span<const int> which, Psi anchor,
                          absl::Span<const double> factor) {
  const c10::NoGradGuard no_grad;
  const at::Tensor from = RowsOf(anchor, which);
  const at::Tensor by = SelectColumn(factor, which, model_.options());
  const at::Tensor pulled = from + (Rows(which, &Session::working) - from) * by;
  SetWorking(which, at::where(by == 0, from, pulled));
}

void TensorPolicies::SetWorking(absl::Span<const int> which,
                                const at::Tensor& rows) {
  for (size_t k = 0; k < which.size(); ++k) {
    sessions_[which[k]].working = rows[k];
  }
}

void TensorPolicies::Drift(absl::Span<const int> which,
                           absl::Span<double> drift) {
  const c10::NoGradGuard no_grad;
  ForEachBatch(which, [&](absl::Span<const int> some) {
    const at::Tensor norms =
        RowNorms(Rows(some, &Session::working) - model_.pretrained())
            .to(at::kCPU)
            .contiguous();
    const double* norm = norms.data_ptr<double>();
    for (const int i : some) drift[i] = *norm++;
  });
}

// A row of a larger tensor would keep the whole tensor alive.
void TensorPolicies::PrepareCommit(absl::Span<const int> which) {
  for (const int i : which) {
    Session& session = sessions_[i];
    const bool reset = session.problem->settings.mode == Mode::kReset;
    session.final_psi = reset ? model_.pretrained() : session.working;
    if (session.final_psi.storage().nbytes() > session.final_psi.nbytes()) {
      session.final_psi = session.final_psi.clone();
    }
  }
}

void TensorPolicies::Commit(absl::Span<const int> which) noexcept {
  for (const int i : which) {
    ParametersOf(*sessions_[i].problem)
        .Replace(std::move(sessions_[i].final_psi));
  }
}

at::Tensor TensorPolicies::RowsOf(Psi psi, absl::Span<const int> which) const {
  switch (psi) {
    case Psi::kPretrained:
      return model_.pretrained().expand(
          {static_cast<int64_t>(which.size()), -1});
    case Psi::kStart:
      return Rows(which, &Session::start);
    case Psi::kSaved:
      return Rows(which, &Session::saved);
    case Psi::kWorking:
      return Rows(which, &Session::working);
  }
  return {};
}

const SamplerNoise& TensorPolicies::Noise(absl::Span<const int> which,
                                          NoiseBank bank,
                                          const ParticleBlock& block,
                                          bool whole) {
  std::vector<const Problem*> problems;
  for (const int i : which) problems.push_back(sessions_[i].problem);
  if (bank != NoiseBank::kAdaptation || !whole) {
    drawn_ = DrawNoise(model_, problems, bank, block);
    return drawn_;
  }
  if (noise_of_ != problems) {
    noise_of_.clear();
    noise_ = DrawNoise(model_, problems, bank, block);
    noise_of_ = std::move(problems);
  }
  return noise_;
}

// If there is a deadline, first waits for an asynchronous device, so that the
// check comes after the work is done.
void TensorPolicies::CheckStop(absl::Span<const int> which,
                               const StopSignals& stop,
                               const at::Tensor& latest) {
  const bool timed = std::any_of(which.begin(), which.end(), [&](int i) {
    return sessions_[i].problem->deadline != absl::InfiniteFuture();
  });
  if (timed && !latest.device().is_cpu()) latest.flatten()[0].item();
  bool all = true;
  for (const int i : which) {
    if (stop.ShouldStop(i)) sessions_[i].stopped = true;
    all &= sessions_[i].stopped;
  }
  if (all) throw Stopped();
}

}  // namespace foresight

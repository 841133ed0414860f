#include "server/adaptation/fused/fused_policies.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "server/adaptation/check_problem.h"
#include "support/status_macros.h"

namespace foresight::fused {
namespace {

// Whether to transpose must depend on the settings alone, since the two ways
// differ in the last bits.
constexpr int kMostUntransposed = 2;  // Particles.
// Floats of psi in one item of work: 64 KiB, so that each thread gets some
// items.
constexpr size_t kPartSize = size_t{1} << 14;

}  // namespace

FusedPolicies::FusedPolicies(std::shared_ptr<const Model> model)
    : model_(std::move(model)) {}

int FusedPolicies::action_size() const { return model_->bundle->action_size(); }

size_t FusedPolicies::scratch_bytes() const {
  size_t floats = arena_.size() + action_arena_.size();
  for (const Session& session : sessions_) {
    for (const Buffer& spare : session.spares) floats += spare.size();
    floats += session.given.size() + session.adjoint.size();
  }
  return floats * sizeof(float);
}

absl::Status FusedPolicies::Check(const Problem& problem) const {
  RETURN_IF_ERROR(CheckProblem(problem, model_->bundle->observation_size()));
  const auto* parameters =
      dynamic_cast<const FusedParameters*>(problem.parameters);
  if (parameters != nullptr && parameters->model() == model_.get()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "parameters belong to another engine, expected this one's NewParameters");
}

void FusedPolicies::Begin(int i, Problem& problem) {
  if (sessions_.size() <= static_cast<size_t>(i)) sessions_.resize(i + 1);
  Session& session = sessions_[i];
  for (Buffer& spare : session.spares) {
    if (spare.size() == 0) spare = Buffer(model_->policy.size());
  }
  if (session.policy.layers.empty()) {
    session.policy = model_->policy.Bind(model_->psi_0.data(), nullptr);
  }
  session.problem = &problem;
  session.parameters = static_cast<FusedParameters*>(problem.parameters);
  session.start = problem.settings.mode == Mode::kReset
                      ? model_->psi_0.data()
                      : session.parameters->psi();
  session.working = session.saved = session.start;
  session.ascended = nullptr;
  session.frozen_action.clear();
}

void FusedPolicies::End(int i) noexcept { sessions_[i].problem = nullptr; }

const float* FusedPolicies::Of(const Session& session, Psi psi) const {
  switch (psi) {
    case Psi::kPretrained:
      return model_->psi_0.data();
    case Psi::kStart:
      return session.start;
    case Psi::kSaved:
      return session.saved;
    case Psi::kWorking:
      return session.working;
  }
  return session.working;
}

Matrix FusedPolicies::Output(Session& session, Psi psi) {
  model_->policy.Bind(Of(session, psi), nullptr, session.policy);
  action_arena_.Reset();
  const Matrix input = action_arena_.TakeMatrix(1, model_->state_tiles);
  const Matrix output = action_arena_.TakeMatrix(1, model_->action_tiles);
  const PackedStandardiser& standardiser = model_->policy_input;
  for (int j = 0; j < model_->bundle->observation_size(); ++j) {
    input.at(0, j) =
        (session.problem->observation[j] - standardiser.mean.data()[j]) *
        standardiser.scale.data()[j];
  }
  NetworkPass pass;
  pass.kernels = &model_->kernels;
  pass.network = &session.policy;
  pass.rows = 1;
  pass.hidden = action_arena_.TakeMatrix(1, 2 * session.policy.widest);
  Forward(pass, input, output);
  return output;
}

void FusedPolicies::Act(absl::Span<const int> which, Psi psi,
                        absl::Span<float> actions) {
  for (const int i : which) {
    Session& session = sessions_[i];
    float* const row = actions.data() + i * action_size();
    const bool frozen = Of(session, psi) == model_->psi_0.data();
    if (frozen && !session.frozen_action.empty()) {
      std::copy_n(session.frozen_action.begin(), action_size(), row);
      continue;
    }
    const Matrix action = Output(session, psi);
    model_->kernels.tanh(1, model_->action_tiles, action, {});
    for (int j = 0; j < action_size(); ++j) row[j] = action.at(0, j);
    if (frozen) session.frozen_action.assign(row, row + action_size());
  }
}

void FusedPolicies::ActBeforeTanh(absl::Span<const int> which, Psi psi,
                                  absl::Span<float> outputs) {
  for (const int i : which) {
    const Matrix output = Output(sessions_[i], psi);
    float* const row = outputs.data() + i * action_size();
    for (int j = 0; j < action_size(); ++j) row[j] = output.at(0, j);
  }
}

bool FusedPolicies::SameShape(const Problem& a, const Problem& b) {
  const auto shape = [](const AdaptationSettings& settings) {
    return std::tuple(settings.horizon, settings.particles,
                      settings.sampler_steps, settings.discount,
                      settings.noise_scale == 0);
  };
  return shape(a.settings) == shape(b.settings);
}

void FusedPolicies::ForEachGroup(
    absl::Span<const int> which,
    absl::FunctionRef<void(absl::Span<const int>)> body) {
  pending_.assign(which.begin(), which.end());
  while (!pending_.empty()) {
    const Problem& first = *sessions_[pending_[0]].problem;
    const size_t limit = Rollout::SessionLimit(*model_, first.settings);
    group_.clear();
    const auto joins = [&](int i) {
      if (group_.size() >= limit) return false;
      if (!SameShape(first, *sessions_[i].problem)) return false;
      group_.push_back(i);
      return true;
    };
    pending_.erase(std::remove_if(pending_.begin(), pending_.end(), joins),
                   pending_.end());
    body(group_);
  }
}

void FusedPolicies::RollOut(absl::Span<const int> group, NoiseBank bank,
                            bool differentiate, const StopSignals& stop,
                            absl::Span<Evaluation> out) {
  const Problem& first = *sessions_[group[0]].problem;
  const AdaptationSettings& settings = first.settings;
  rolled_.clear();
  targets_.clear();
  for (const int i : group) {
    Session& session = sessions_[i];
    const Problem& problem = *session.problem;
    const DecisionNoise noise = {problem.seed, problem.decision, bank,
                                 problem.settings.noise_scale};
    rolled_.push_back({problem.observation, noise, &session.policy});
    if (differentiate) {
      targets_.push_back({session.working, session.Spare().data()});
    }
  }
  results_.resize(group.size());
  RolloutPlan plan;
  plan.model = model_.get();
  plan.sampler = &model_->Sampler(settings.sampler_steps);
  plan.sessions = rolled_;
  plan.horizon = settings.horizon;
  plan.particles = settings.particles;
  plan.discount = settings.discount;
  plan.noisy = settings.noise_scale != 0;
  plan.differentiate = differentiate;
  arena_.Reset();
  rollout_.Prepare(arena_, plan, first.workers);
  rollout_.Run(
      plan, targets_, [&](int k) { return stop.ShouldStop(group[k]); },
      absl::MakeSpan(results_));
  for (size_t k = 0; k < group.size(); ++k) {
    out[group[k]] = {results_[k].complete, results_[k].objective,
                     std::sqrt(results_[k].squared_norm)};
  }
}

// Weights are transposed once for all rows of the backward pass. For few rows
// it is cheaper to read psi untransposed, which also keeps the transpose out of
// the caches.
void FusedPolicies::BindBothWays(Session& session, bool alone) {
  const float* adjoint = nullptr;
  if (session.problem->settings.particles > kMostUntransposed) {
    if (session.adjoint.size() == 0) {
      session.adjoint = Buffer(model_->policy.adjoint_size());
    }
    Spread(session, alone, model_->policy.transpose_parts(), [&](int part) {
      model_->policy.Transpose(model_->kernels, part, session.working,
                               session.adjoint.data());
    });
    adjoint = session.adjoint.data();
  }
  model_->policy.Bind(session.working, adjoint, session.policy);
}

void FusedPolicies::Spread(const Session& session, bool alone, int count,
                           absl::FunctionRef<void(int item)> body) {
  Workers* const workers = alone ? session.problem->workers : nullptr;
  const int lanes = workers == nullptr ? 1 : workers->size();
  if (lanes > 1) {
    return workers->Run(count, lanes, [&](int item, int) { body(item); });
  }
  for (int item = 0; item < count; ++item) body(item);
}

double FusedPolicies::SumOverParts(
    const Session& session, bool alone,
    absl::FunctionRef<double(size_t first, size_t size)> body) {
  const size_t all = model_->psi_0.size();
  sums_.resize((all + kPartSize - 1) / kPartSize);
  Spread(session, alone, static_cast<int>(sums_.size()), [&](int part) {
    const size_t first = part * kPartSize;
    sums_[part] = body(first, std::min(kPartSize, all - first));
  });
  return std::accumulate(sums_.begin(), sums_.end(), 0.0);
}

void FusedPolicies::Differentiate(absl::Span<const int> which,
                                  const StopSignals& stop,
                                  absl::Span<Evaluation> out) {
  ForEachGroup(which, [&](absl::Span<const int> group) {
    for (const int i : group) {
      BindBothWays(sessions_[i], group.size() == 1);
    }
    RollOut(group, NoiseBank::kAdaptation, true, stop, out);
  });
}

void FusedPolicies::Evaluate(absl::Span<const int> which, Psi psi,
                             NoiseBank bank, const StopSignals& stop,
                             absl::Span<Evaluation> out) {
  ForEachGroup(which, [&](absl::Span<const int> group) {
    for (const int i : group) {
      Session& session = sessions_[i];
      model_->policy.Bind(Of(session, psi), nullptr, session.policy);
    }
    RollOut(group, bank, false, stop, out);
  });
}

int FusedPolicies::Imagine(int i, const StopSignals& stop,
                           absl::Span<float> actions) {
  Session& session = sessions_[i];
  model_->policy.Bind(session.working, nullptr, session.policy);
  rolled_.assign(1, {session.problem->observation, {}, &session.policy});
  RolloutPlan plan;
  plan.model = model_.get();
  plan.sampler = &model_->Sampler(session.problem->settings.sampler_steps);
  plan.sessions = rolled_;
  plan.horizon = session.problem->plan_length;
  plan.noisy = false;
  int rows = 0;
  arena_.Reset();
  rollout_.Imagine(arena_, plan, [&](int, Matrix action) {
    if (stop.ShouldStop(i)) return false;
    float* const row = actions.data() + rows++ * action_size();
    for (int j = 0; j < action_size(); ++j) row[j] = action.at(0, j);
    return true;
  });
  return rows;
}

void FusedPolicies::Save(absl::Span<const int> which) noexcept {
  for (const int i : which) sessions_[i].saved = sessions_[i].working;
}

void FusedPolicies::Restore(absl::Span<const int> which) noexcept {
  for (const int i : which) sessions_[i].working = sessions_[i].saved;
}

void FusedPolicies::Ascend(absl::Span<const int> which,
                           absl::Span<const double> scale) {
  for (const int i : which) {
    Session& session = sessions_[i];
    float* const next = session.Spare().data();
    const float* const psi_0 = model_->psi_0.data();
    session.squared_drift = SumOverParts(
        session, which.size() == 1, [&](size_t first, size_t size) {
          return model_->kernels.ascend(size, session.working + first,
                                        static_cast<float>(scale[i]),
                                        next + first, psi_0 + first);
        });
    session.working = session.ascended = next;
  }
}

void FusedPolicies::Pull(absl::Span<const int> which, Psi anchor,
                         absl::Span<const double> factor) {
  for (const int i : which) {
    Session& session = sessions_[i];
    const float* const from = Of(session, anchor);
    if (factor[i] == 0) {
      session.working = from;
      continue;
    }
    Buffer& next = session.Spare();
    model_->kernels.interpolate(next.size(), from,
                                static_cast<float>(factor[i]), session.working,
                                next.data());
    session.working = next.data();
    session.ascended = nullptr;
  }
}

// Avoids a pass over psi if possible: a pass costs as much as a frozen action.
double FusedPolicies::SquaredDrift(const Session& session) {
  if (session.working == model_->psi_0.data()) return 0;
  if (session.working == session.ascended) return session.squared_drift;
  const auto known = session.parameters->squared_drift();
  if (known && session.working == session.parameters->psi()) return *known;
  const float* const psi_0 = model_->psi_0.data();
  return SumOverParts(session, /*alone=*/false, [&](size_t first, size_t size) {
    return model_->kernels.squared_distance(size, session.working + first,
                                            psi_0 + first);
  });
}

void FusedPolicies::Drift(absl::Span<const int> which,
                          absl::Span<double> drift) {
  for (const int i : which) {
    drift[i] = std::sqrt(SquaredDrift(sessions_[i]));
  }
}

// Whether the session gets a psi of its own.
bool FusedPolicies::Keeps(const Session& session) const {
  return session.problem->settings.mode == Mode::kPersist &&
         session.working != model_->psi_0.data();
}

void FusedPolicies::PrepareCommit(absl::Span<const int> which) {
  for (const int i : which) {
    Session& session = sessions_[i];
    if (!Keeps(session) || !session.parameters->shared()) continue;
    if (session.given.size() == 0)
      session.given = Buffer(model_->policy.size());
  }
}

void FusedPolicies::Commit(absl::Span<const int> which) noexcept {
  for (const int i : which) {
    Session& session = sessions_[i];
    if (!Keeps(session)) {
      session.parameters->Reset();
      continue;
    }
    for (Buffer& spare : session.spares) {
      if (session.working != spare.data()) continue;
      std::optional<double> squared_drift;
      if (session.working == session.ascended) {
        squared_drift = session.squared_drift;
      }
      session.parameters->Swap(spare, squared_drift);
      if (spare.size() == 0) spare = std::move(session.given);
    }
  }
}

std::vector<float> FusedPolicies::ExportGradient(int i) {
  std::vector<float> gradient(model_->policy_parameters);
  model_->policy.Export(sessions_[i].Spare().data(), absl::MakeSpan(gradient));
  return gradient;
}

}  // namespace foresight::fused

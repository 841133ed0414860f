#include "server/adaptation/fused/fused_policies.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace foresight::fused {

FusedPolicies::FusedPolicies(std::shared_ptr<const Model> model)
    : model_(std::move(model)),
      spares_{Buffer(model_->policy.size()), Buffer(model_->policy.size())},
      gradient_(model_->policy.size()),
      adjoint_(model_->policy.adjoint_size()),
      policy_(model_->policy.Bind(model_->psi_0.data(), nullptr)) {}

void FusedPolicies::Begin(Problem& problem) {
  problem_ = &problem;
  session_ = static_cast<FusedParameters*>(problem.parameters);
  start_ = problem.settings.mode == Mode::kReset ? model_->psi_0.data()
                                                 : session_->psi().data();
  working_ = previous_ = start_;
  prepared_ = false;
}

int FusedPolicies::action_size() const { return model_->bundle->action_size(); }

const float* FusedPolicies::Of(Psi psi) const {
  switch (psi) {
    case Psi::kPretrained:
      return model_->psi_0.data();
    case Psi::kStart:
      return start_;
    case Psi::kWorking:
      return working_;
  }
  return working_;
}

Buffer& FusedPolicies::Spare() {
  return spares_[working_ == spares_[0].data() ? 1 : 0];
}

RolloutPlan FusedPolicies::Plan(NoiseBank bank, bool differentiate) const {
  const AdaptationSettings& settings = problem_->settings;
  RolloutPlan plan;
  plan.model = model_.get();
  plan.sampler = &model_->Sampler(settings.sampler_steps);
  plan.observation = problem_->observation;
  plan.horizon = settings.horizon;
  plan.particles = settings.particles;
  plan.discount = settings.discount;
  plan.noise = {problem_->seed, problem_->decision, bank, settings.noise_scale};
  plan.policy = &policy_;
  plan.differentiate = differentiate;
  return plan;
}

void FusedPolicies::PrepareRollout() {
  if (std::exchange(prepared_, true)) return;
  arena_.Reset();
  rollout_.Prepare(arena_, Plan(NoiseBank::kAdaptation, true),
                   problem_->workers);
}

void FusedPolicies::Act(absl::Span<const int> which, Psi psi,
                        absl::Span<float> actions) {
  if (which.empty()) return;
  model_->policy.Bind(Of(psi), nullptr, policy_);
  action_arena_.Reset();
  const Matrix input = action_arena_.TakeMatrix(1, model_->state_tiles);
  const Matrix action = action_arena_.TakeMatrix(1, model_->action_tiles);
  const Scaling& scaling = model_->policy_input;
  for (int i = 0; i < model_->bundle->observation_size(); ++i) {
    input.at(0, i) = (problem_->observation[i] - scaling.mean.data()[i]) *
                     scaling.scale.data()[i];
  }
  NetworkPass pass;
  pass.kernels = &model_->kernels;
  pass.network = &policy_;
  pass.rows = 1;
  pass.hidden = action_arena_.TakeMatrix(1, 2 * policy_.widest);
  Forward(pass, input, action);
  model_->kernels.tanh(1, model_->action_tiles, action, {});
  for (int i = 0; i < action_size(); ++i) actions[i] = action.at(0, i);
}

void FusedPolicies::Differentiate(absl::Span<const int> which,
                                  const StopSignals& stop,
                                  absl::Span<Evaluation> out) {
  if (which.empty()) return;
  model_->policy.Transpose(model_->kernels, working_, adjoint_.data());
  model_->policy.Bind(working_, adjoint_.data(), policy_);
  PrepareRollout();
  const Rollout::Result result =
      rollout_.Run(Plan(NoiseBank::kAdaptation, true), working_,
                   gradient_.data(), [&] { return stop.ShouldStop(0); });
  out[0].complete = result.complete;
  out[0].objective = result.objective;
  out[0].gradient_norm = std::sqrt(
      model_->kernels.sum_squares(gradient_.size(), gradient_.data()));
}

void FusedPolicies::Evaluate(absl::Span<const int> which, Psi psi,
                             NoiseBank bank, const StopSignals& stop,
                             absl::Span<Evaluation> out) {
  if (which.empty()) return;
  model_->policy.Bind(Of(psi), nullptr, policy_);
  PrepareRollout();
  const Rollout::Result result = rollout_.Run(
      Plan(bank, false), Of(psi), nullptr, [&] { return stop.ShouldStop(0); });
  out[0].complete = result.complete;
  out[0].objective = result.objective;
  out[0].gradient_norm = 0;
}

void FusedPolicies::Ascend(absl::Span<const int> which,
                           absl::Span<const double> scale) {
  if (which.empty()) return;
  Buffer& next = Spare();
  model_->kernels.add_scaled(next.size(), working_,
                             static_cast<float>(scale[0]), gradient_.data(),
                             next.data());
  previous_ = std::exchange(working_, next.data());
}

void FusedPolicies::Retract(absl::Span<const int> which) {
  if (!which.empty()) working_ = previous_;
}

void FusedPolicies::Pull(absl::Span<const int> which, Psi anchor,
                         absl::Span<const double> factor) {
  if (which.empty()) return;
  if (factor[0] == 0) {
    working_ = Of(anchor);
    return;
  }
  Buffer& next = Spare();
  model_->kernels.interpolate(next.size(), Of(anchor),
                              static_cast<float>(factor[0]), working_,
                              next.data());
  working_ = next.data();
}

void FusedPolicies::Drift(absl::Span<const int> which,
                          absl::Span<double> drift) {
  if (which.empty()) return;
  drift[0] = std::sqrt(model_->kernels.squared_distance(
      spares_[0].size(), working_, model_->psi_0.data()));
}

void FusedPolicies::Commit(absl::Span<const int> which) {
  if (which.empty()) return;
  if (problem_->settings.mode == Mode::kReset ||
      working_ == model_->psi_0.data()) {
    session_->Reset();
    return;
  }
  for (Buffer& spare : spares_) {
    if (working_ == spare.data()) session_->Swap(spare);
  }
}

std::vector<float> FusedPolicies::ExportGradient() const {
  std::vector<float> gradient(model_->policy_parameters);
  model_->policy.Export(gradient_.data(), absl::MakeSpan(gradient));
  return gradient;
}

}  // namespace foresight::fused

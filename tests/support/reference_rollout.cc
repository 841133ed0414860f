#include "tests/support/reference_rollout.h"

#include <algorithm>
#include <cmath>

#include "tests/support/plain_networks.h"

namespace foresight {

ReferenceRollout::ReferenceRollout(const Bundle& bundle) : bundle_(bundle) {
  for (const std::string& name : bundle.PolicyTensorNames()) {
    const std::vector<float>& values = bundle.tensors().at(name).values;
    offsets_.push_back(psi_0_.size());
    psi_0_.insert(psi_0_.end(), values.begin(), values.end());
  }
  offsets_.push_back(psi_0_.size());
}

std::vector<double> ReferenceRollout::Act(
    const std::vector<double>& psi, const std::vector<double>& state) const {
  return PlainPolicy(bundle_, psi, state);
}

std::vector<double> ReferenceRollout::Plan(const std::vector<double>& psi,
                                           absl::Span<const float> observation,
                                           int sampler_steps,
                                           int length) const {
  const bool diffusion = bundle_.dynamics_kind() == DynamicsKind::kDiffusion;
  const int slots = diffusion ? bundle_.manifest().dynamics().betas_size() : 1;
  const std::vector<std::vector<float>> z(
      slots, std::vector<float>(bundle_.observation_size()));
  std::vector<double> state(observation.begin(), observation.end()), plan;
  for (int h = 0; h < length; ++h) {
    state = PlainNext(bundle_, 0, state, Act(psi, state), z, sampler_steps);
    const std::vector<double> action = Act(psi, state);
    plan.insert(plan.end(), action.begin(), action.end());
  }
  return plan;
}

double ReferenceRollout::Objective(const std::vector<double>& psi,
                                   absl::Span<const float> observation,
                                   const AdaptationSettings& settings,
                                   const DecisionNoise& noise) const {
  const bool diffusion = bundle_.dynamics_kind() == DynamicsKind::kDiffusion;
  const int slots = diffusion ? bundle_.manifest().dynamics().betas_size() : 1;
  std::vector<std::vector<float>> z(
      slots, std::vector<float>(bundle_.observation_size()));
  double sum = 0;
  for (int m = 0; m < settings.particles; ++m) {
    std::vector<double> state(observation.begin(), observation.end());
    double weight = 1;
    for (int h = 0; h < settings.horizon; ++h) {
      const std::vector<double> action = Act(psi, state);
      sum += weight * PlainReward(bundle_, state, action);
      weight *= settings.discount;
      for (int slot = 0; slot < slots; ++slot) {
        FillNoise(noise, h, m, slot, absl::MakeSpan(z[slot]));
      }
      state = PlainNext(bundle_, m % bundle_.members(), state, action, z,
                        settings.sampler_steps);
    }
    const std::vector<double> action = Act(psi, state);
    sum += weight * std::min(PlainCritic(bundle_, 0, state, action),
                             PlainCritic(bundle_, 1, state, action));
  }
  return sum / settings.particles;
}

double ReferenceRollout::Slope(const std::vector<double>& psi,
                               const std::vector<double>& direction,
                               absl::Span<const float> observation,
                               const AdaptationSettings& settings,
                               const DecisionNoise& noise) const {
  double square = 0;
  for (const double d : direction) square += d * d;
  const double epsilon = 1e-5 / std::sqrt(square);
  const auto at = [&](double distance) {
    std::vector<double> moved = psi;
    for (size_t i = 0; i < moved.size(); ++i) {
      moved[i] += distance * epsilon * direction[i];
    }
    return Objective(moved, observation, settings, noise);
  };
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * epsilon);
}

}  // namespace foresight

#include "server/adaptation/autograd/imagined_return.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <cmath>
#include <vector>

namespace foresight {
namespace {

// The actions [P R, A] in the states [P R, S].
at::Tensor Act(const PolicyNetwork& policy, const at::Tensor& s,
               const RolloutInputs& rollouts) {
  const int64_t problems = rollouts.observations.size(0);
  if (problems == 1) return policy.Act(s);
  const at::Tensor a =
      policy.Act(s.view({problems, rollouts.particles, s.size(1)}));
  return a.reshape({s.size(0), -1});
}

// gamma^h for h = 0..H-1: [H, 1, 1].
at::Tensor Discounts(const RolloutInputs& rollouts, const at::Tensor& like) {
  std::vector<double> discounts;
  for (int h = 0; h < rollouts.horizon; ++h) {
    discounts.push_back(std::pow(rollouts.discount, h));
  }
  return ToTensor(discounts, {rollouts.horizon, 1, 1}, like.options());
}

}  // namespace

at::Tensor ImaginedReturn(const WorldModel& model, const PolicyNetwork& policy,
                          const RolloutInputs& rollouts,
                          absl::FunctionRef<void(const at::Tensor&)> between) {
  const int64_t problems = rollouts.observations.size(0);
  const int64_t particles = rollouts.particles;
  const auto by_problem = [&](const at::Tensor& values) {  // [.., P, R]
    return values.view({-1, problems, particles});
  };
  at::Tensor s = rollouts.observations.repeat_interleave(particles, 0);
  std::vector<at::Tensor> states, actions;  // H of [P R, S or A]
  for (int h = 0; h < rollouts.horizon; ++h) {
    states.push_back(s);
    actions.push_back(Act(policy, s, rollouts));
    s = rollouts.sampler->Next(s, actions.back(), *rollouts.noise, h);
    between(s);
  }
  // All rewards are computed in one pass, since no state depends on them.
  const at::Tensor rewards =
      model.reward().Forward(at::cat(states), at::cat(actions));
  const at::Tensor value = model.critics().Minimum(s, Act(policy, s, rollouts));
  const double last = std::pow(rollouts.discount, rollouts.horizon);
  return (by_problem(rewards) * Discounts(rollouts, rewards))
             .sum(at::IntArrayRef{0, 2}) +
         by_problem(value).sum(at::IntArrayRef{0, 2}) * last;
}

}  // namespace foresight

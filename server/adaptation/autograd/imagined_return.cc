#include "server/adaptation/autograd/imagined_return.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <cmath>
#include <vector>

namespace foresight {
namespace {

// The actions [P R, A] in the states [P R, S].
at::Tensor Act(const PolicyNetwork& policy, const at::Tensor& s,
               const RollOuts& roll_outs) {
  const int64_t problems = roll_outs.observations.size(0);
  if (problems == 1) return policy.Act(s);
  const at::Tensor a =
      policy.Act(s.view({problems, roll_outs.particles, s.size(1)}));
  return a.reshape({s.size(0), -1});
}

// gamma^h for h = 0..H-1: [H, 1, 1].
at::Tensor Discounts(const RollOuts& roll_outs, const at::Tensor& like) {
  std::vector<double> discounts;
  for (int h = 0; h < roll_outs.horizon; ++h) {
    discounts.push_back(std::pow(roll_outs.discount, h));
  }
  return ToTensor(discounts, {roll_outs.horizon, 1, 1}, like.options());
}

}  // namespace

at::Tensor ImaginedReturn(const WorldModel& model, const PolicyNetwork& policy,
                          const RollOuts& roll_outs,
                          absl::FunctionRef<void(const at::Tensor&)> between) {
  const int64_t problems = roll_outs.observations.size(0);
  const int64_t particles = roll_outs.particles;
  const auto by_problem = [&](const at::Tensor& values) {  // [.., P, R]
    return values.view({-1, problems, particles});
  };
  at::Tensor s = roll_outs.observations.repeat_interleave(particles, 0);
  std::vector<at::Tensor> states, actions;  // H of [P R, S or A]
  for (int h = 0; h < roll_outs.horizon; ++h) {
    states.push_back(s);
    actions.push_back(Act(policy, s, roll_outs));
    s = roll_outs.sampler->Next(s, actions.back(), *roll_outs.noise, h);
    between(s);
  }
  // All rewards are computed in one pass, since nothing depends on them.
  const at::Tensor rewards =
      model.reward().Forward(at::cat(states), at::cat(actions));
  const at::Tensor value =
      model.critics().Minimum(s, Act(policy, s, roll_outs));
  const double last = std::pow(roll_outs.discount, roll_outs.horizon);
  return (by_problem(rewards) * Discounts(roll_outs, rewards))
             .sum(at::IntArrayRef{0, 2}) +
         by_problem(value).sum(at::IntArrayRef{0, 2}) * last;
}

}  // namespace foresight

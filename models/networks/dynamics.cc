#include "models/networks/dynamics.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/remainder.h>

#include <algorithm>
#include <utility>

namespace foresight {

namespace {

// The first layer's bias for each step, the embedding's part included: [n, 1,
// width], computed in double.
at::Tensor StepBiases(const Layer& first,
                      const std::vector<std::vector<double>>& embeddings,
                      const at::TensorOptions& options) {
  std::vector<double> biases;
  for (const std::vector<double>& embedding : embeddings) {
    for (int o = 0; o < first.outputs; ++o) {
      const float* weights =
          first.weight.data() + (o + 1) * first.inputs - embedding.size();
      double bias = first.bias[o];
      for (size_t t = 0; t < embedding.size(); ++t) {
        bias += embedding[t] * weights[t];
      }
      biases.push_back(bias);
    }
  }
  const int64_t n = embeddings.size();
  return ToTensor(biases, {n, 1, first.outputs}, options);
}

}  // namespace

Sampler::Member Sampler::MakeMember(const Bundle& bundle, int b,
                                    const SamplerSteps& steps,
                                    const at::TensorOptions& options) {
  const int64_t state = bundle.observation_size();
  const int64_t condition = state + bundle.action_size();
  const int n = steps.size();
  Member member;
  member.mlp = Mlp::FromNetwork(bundle.dynamics(b), options);
  const at::Tensor& first = member.mlp.layers.front().weight;
  member.state_weight = first.narrow(1, 0, state).t().contiguous();
  member.condition_weight = first.narrow(1, state, condition).t().contiguous();
  member.step_biases =
      StepBiases(bundle.dynamics(b).layers.front(), steps.embeddings, options);
  member.head_weight = member.mlp.layers.back().weight.t().contiguous();
  std::vector<double> slot_shifts(state, 0);  // u_K is z_0, unshifted.
  for (int i = 0; i < n; ++i) {
    std::vector<double> shift;
    for (const float bias : bundle.dynamics(b).layers.back().bias) {
      shift.push_back(-steps.c2[i] * bias);
    }
    member.shifts.push_back(ToTensor(shift, {state}, options));
    if (i + 1 < steps.slots) {
      slot_shifts.insert(slot_shifts.end(), shift.begin(), shift.end());
    }
  }
  member.slot_shifts = ToTensor(slot_shifts, {steps.slots, 1, state}, options);
  const Standardiser& output = bundle.dynamics_output();
  member.offset = ToTensor(output.mean, {state}, options) +
                  ToTensor(output.std, {state}, options) * member.shifts[n - 1];
  return member;
}

Sampler Sampler::FromBundle(const Bundle& bundle, int steps,
                            const at::TensorOptions& options) {
  const int width = bundle.time_embedding();
  const auto& betas = bundle.manifest().dynamics().betas();
  const SamplerSteps all =
      bundle.dynamics_kind() == DynamicsKind::kDiffusion
          ? DiffusionSteps({betas.data(), size_t(betas.size())}, width)
          : MeanFlowSteps(steps, width);
  Sampler sampler;
  sampler.input_ =
      TensorStandardiser::FromBundle(bundle.dynamics_input(), options);
  sampler.output_std_ = ToTensor(bundle.dynamics_output().std,
                                 {bundle.observation_size()}, options);
  sampler.c1_ = all.c1;
  sampler.c2_ = all.c2;
  sampler.slots_ = all.slots;
  std::vector<double> slot_scales = {1};  // u_K = z_0
  slot_scales.insert(slot_scales.end(), all.sigma.begin(),
                     all.sigma.begin() + all.slots - 1);
  sampler.slot_scales_ = ToTensor(slot_scales, {sampler.slots_, 1, 1}, options);
  for (int b = 0; b < bundle.members(); ++b) {
    sampler.members_.push_back(MakeMember(bundle, b, all, options));
  }
  return sampler;
}

SamplerNoise Sampler::Arrange(const at::Tensor& z, int64_t particles) const {
  SamplerNoise noise;
  const int64_t members = members_.size();
  const at::Tensor member_of_row =
      at::arange(z.size(2), z.device()).remainder(particles).remainder(members);
  for (int64_t b = 0; b < std::min(members, particles); ++b) {
    SamplerNoise::Share share;
    share.member = static_cast<int>(b);
    at::Tensor own = z;
    if (members > 1) {
      share.rows = (member_of_row == b).nonzero().squeeze(1);
      own = z.index_select(2, share.rows);
    }
    own = at::addcmul(members_[b].slot_shifts, own, slot_scales_);
    for (const at::Tensor& transition : own.unbind(0)) {
      share.z.push_back(transition.unbind(0));
    }
    noise.shares.push_back(std::move(share));
  }
  if (members > 1) {
    // The concatenated shares are the rows sorted by member; the inverse of
    // that permutation gives each row's place.
    noise.places =
        member_of_row.argsort(/*stable=*/true, /*dim=*/0, false).argsort();
  }
  return noise;
}

// The change of state that one member samples from condition = (s', a'), in
// raw units: [N_b, S].
at::Tensor Sampler::Change(const Member& member, const at::Tensor& condition,
                           const std::vector<at::Tensor>& z) const {
  const std::vector<at::Tensor> inputs =
      (at::mm(condition, member.condition_weight) + member.step_biases)
          .unbind(0);
  at::Tensor u = z.front();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor hidden =
        member.mlp.Hidden(at::addmm(inputs[i], u, member.state_weight));
    u = at::addmm(u, hidden, member.head_weight, c1_[i], -c2_[i]);
    if (i + 1 == inputs.size()) break;
    u = u + (i + 1 < z.size() ? z[i + 1] : member.shifts[i]);
  }
  return at::addcmul(member.offset, u, output_std_);
}

at::Tensor Sampler::Next(const at::Tensor& s, const at::Tensor& a,
                         const SamplerNoise& noise, int h) const {
  const at::Tensor condition = input_.Forward(at::cat({s, a}, 1));
  if (members_.size() == 1) {
    return s + Change(members_[0], condition, noise.shares[0].z[h]);
  }
  std::vector<at::Tensor> changes;
  for (const SamplerNoise::Share& share : noise.shares) {
    changes.push_back(Change(members_[share.member],
                             condition.index_select(0, share.rows),
                             share.z[h]));
  }
  return s + at::cat(changes, 0).index_select(0, noise.places);
}

at::Tensor Sampler::Next(const at::Tensor& s, const at::Tensor& a,
                         const at::Tensor& z) const {
  return Next(s, a, Arrange(z.unsqueeze(0), s.size(0)), 0);
}

}  // namespace foresight

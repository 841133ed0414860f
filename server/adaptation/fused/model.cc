#include "server/adaptation/fused/model.h"

#include <algorithm>
#include <utility>

#include "models/bundle/sampler.h"

namespace foresight::fused {
namespace {

// Pads the first `split` columns to whole tiles, then the others; 0: no split.
PackedStandardiser PackStandardiser(const Standardiser& standardiser,
                                    int split) {
  const int size = static_cast<int>(standardiser.mean.size());
  const int padding = split == 0 ? 0 : Tiles(split) * kTile - split;
  const size_t padded = Tiles(size + padding) * kTile;
  PackedStandardiser packed = {Buffer(padded), Buffer(padded), Buffer(padded)};
  for (int i = 0; i < size; ++i) {
    const int to = split == 0 || i < split ? i : i + padding;
    packed.mean.data()[to] = standardiser.mean[i];
    packed.scale.data()[to] = 1 / standardiser.std[i];
    packed.inverse.data()[to] = standardiser.std[i];
  }
  return packed;
}

std::vector<int> StateActionInputs(const Bundle& bundle, int first) {
  const int states = bundle.observation_size();
  std::vector<int> inputs = InputRange(first, states, true);
  const std::vector<int> actions =
      InputRange(first + states, bundle.action_size(), true);
  inputs.insert(inputs.end(), actions.begin(), actions.end());
  return inputs;
}

void AddHalves(FrozenNetwork& frozen) {
  for (int l = 1; l < frozen.network.hidden_layers(); ++l) {
    PackedLayer& layer = frozen.network.layers[l];
    frozen.half.push_back(
        HalfPanels(layer.weight, layer.inputs, Tiles(layer.outputs)));
    layer.half_weight = frozen.half.back().data();
    frozen.half.push_back(
        HalfPanels(layer.adjoint, layer.outputs, Tiles(layer.inputs)));
    layer.half_adjoint = frozen.half.back().data();
  }
}

FrozenNetwork Freeze(const Kernels& kernels, const Network& network,
                     std::vector<int> first_inputs) {
  const NetworkLayout layout(network, std::move(first_inputs));
  FrozenNetwork frozen;
  frozen.flat = Buffer(layout.size());
  frozen.adjoint = Buffer(layout.adjoint_size());
  layout.Pack(network, frozen.flat.data());
  for (int part = 0; part < layout.transpose_parts(); ++part) {
    layout.Transpose(kernels, part, frozen.flat.data(), frozen.adjoint.data());
  }
  frozen.network = layout.Bind(frozen.flat.data(), frozen.adjoint.data());
  if (kernels.half) AddHalves(frozen);
  return frozen;
}

Dynamics PackDynamics(const Kernels& kernels, const Bundle& bundle, int b) {
  const int states = bundle.observation_size();
  Dynamics dynamics;
  dynamics.body =
      Freeze(kernels, bundle.dynamics(b), InputRange(0, states, false));
  const Layer& first = bundle.dynamics(b).layers.front();
  const std::vector<int> inputs = StateActionInputs(bundle, states);
  Network only_first;
  only_first.layers.push_back(first);
  FrozenNetwork condition = Freeze(kernels, only_first, inputs);
  dynamics.condition = condition.network.layers.front();
  dynamics.condition.bias = nullptr;  // The time biases include it.
  dynamics.condition_weight = std::move(condition.flat);
  dynamics.condition_adjoint = std::move(condition.adjoint);
  return dynamics;
}

Buffer PackPolicy(const Network& policy, const NetworkLayout& layout) {
  Buffer psi(layout.size());
  layout.Pack(policy, psi.data());
  return psi;
}

int CountParameters(const Network& network) {
  size_t count = 0;
  for (const Layer& layer : network.layers) {
    count += layer.weight.size() + layer.bias.size() +
             layer.norm_weight.size() + layer.norm_bias.size();
  }
  return static_cast<int>(count);
}

// b + W e, where W holds the first layer's columns for the time embedding.
Buffer TimeBias(const Layer& first, const std::vector<double>& embedding) {
  Buffer bias(first.outputs);
  const int column = first.inputs - static_cast<int>(embedding.size());
  for (int o = 0; o < first.outputs; ++o) {
    double sum = first.bias[o];
    for (size_t i = 0; i < embedding.size(); ++i) {
      // The embedding is rounded once, to float32.
      sum += double{first.weight[size_t(o) * first.inputs + column + i]} *
             static_cast<float>(embedding[i]);
    }
    bias.data()[o] = static_cast<float>(sum);
  }
  return bias;
}

}  // namespace

Model::Model(std::shared_ptr<const Bundle> the_bundle,
             const Kernels& the_kernels)
    : bundle(std::move(the_bundle)),
      kernels(the_kernels),
      state_tiles(Tiles(bundle->observation_size())),
      action_tiles(Tiles(bundle->action_size())),
      state_action_tiles(state_tiles + action_tiles),
      policy(bundle->policy(),
             InputRange(0, bundle->observation_size(), false)),
      psi_0(PackPolicy(bundle->policy(), policy)),
      policy_parameters(CountParameters(bundle->policy())),
      policy_input(PackStandardiser(bundle->policy_input(), 0)),
      critic_input{
          PackStandardiser(bundle->critic_input(0), bundle->observation_size()),
          PackStandardiser(bundle->critic_input(1),
                           bundle->observation_size())},
      reward_input(
          PackStandardiser(bundle->reward_input(), bundle->observation_size())),
      dynamics_input(PackStandardiser(bundle->dynamics_input(),
                                      bundle->observation_size())),
      dynamics_output(PackStandardiser(bundle->dynamics_output(), 0)),
      reward_mean(bundle->reward_output().mean[0]),
      reward_std(bundle->reward_output().std[0]) {
  const std::vector<int> inputs = StateActionInputs(*bundle, 0);
  for (int i = 0; i < 2; ++i) {
    critics.push_back(Freeze(kernels, bundle->critic(i), inputs));
  }
  reward = Freeze(kernels, bundle->reward(), inputs);
  for (int b = 0; b < bundle->members(); ++b) {
    dynamics.push_back(PackDynamics(kernels, *bundle, b));
  }
}

const SamplerPlan& Model::Sampler(int steps) const {
  if (bundle->dynamics_kind() == DynamicsKind::kDiffusion) {
    steps = bundle->manifest().dynamics().betas_size();
  }
  absl::MutexLock lock(&mutex_);
  if (samplers_.size() <= static_cast<size_t>(steps)) {
    samplers_.resize(steps + 1);
  }
  auto& plan = samplers_[steps];
  if (plan == nullptr) {
    plan = std::make_unique<const SamplerPlan>(MakeSampler(steps));
  }
  return *plan;
}

SamplerPlan Model::MakeSampler(int steps) const {
  const int width = bundle->time_embedding();
  const auto& betas = bundle->manifest().dynamics().betas();
  const SamplerSteps all =
      bundle->dynamics_kind() == DynamicsKind::kDiffusion
          ? DiffusionSteps({betas.data(), size_t(betas.size())}, width)
          : MeanFlowSteps(steps, width);
  SamplerPlan plan;
  plan.c1.assign(all.c1.begin(), all.c1.end());
  plan.c2.assign(all.c2.begin(), all.c2.end());
  plan.sigma.assign(all.sigma.begin(), all.sigma.end());
  plan.slots = all.slots;
  for (int b = 0; b < bundle->members(); ++b) {
    std::vector<Buffer>& biases = plan.time_bias.emplace_back();
    for (const std::vector<double>& embedding : all.embeddings) {
      biases.push_back(TimeBias(bundle->dynamics(b).layers.front(), embedding));
    }
  }
  return plan;
}

}  // namespace foresight::fused

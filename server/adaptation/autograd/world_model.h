// A bundle's networks on one device, as the autograd engine uses them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/bundle/bundle.h"
#include "models/networks/critics.h"
#include "models/networks/dynamics.h"
#include "models/networks/policy.h"
#include "models/networks/reward.h"

namespace foresight {

// Immutable. psi is flat: the tensors of Bundle::PolicyTensorNames() in
// row-major order, one after another.
class WorldModel {
 public:
  // LibTorch's exceptions pass through.
  WorldModel(const Bundle& bundle, const at::TensorOptions& options);

  int observation_size() const { return observation_size_; }  // S
  int action_size() const { return action_size_; }            // A
  int members() const { return members_; }                    // B
  const at::TensorOptions& options() const { return options_; }

  const at::Tensor& pretrained() const { return pretrained_; }  // psi_0 [N]
  const CriticNetworks& critics() const { return critics_; }
  const RewardNetwork& reward() const { return reward_; }
  // `steps` is settings.sampler_steps.
  const Sampler& sampler(int steps) const;

  // The tensors of psi [P, N] as views into it, with a leading dimension [P]
  // unless P is 1.
  std::vector<at::Tensor> Split(const at::Tensor& psi) const;
  // The policy, or policies, with these tensors.
  PolicyNetwork Policy(const std::vector<at::Tensor>& tensors) const {
    return policy_.WithParameters(tensors);
  }

  // The approximate bytes that differentiation keeps for one particle's
  // rollout.
  int64_t TapeBytes(int horizon, int sampler_steps) const;

 private:
  const int observation_size_, action_size_, members_;
  const at::TensorOptions options_;
  at::Tensor pretrained_;
  PolicyNetwork policy_;
  CriticNetworks critics_;
  RewardNetwork reward_;
  std::vector<Sampler> samplers_;  // [1]; for mean_flow, n = 1..64.
  int64_t tape_per_step_ = 0, tape_per_transition_ = 0;  // Bytes.
};

}  // namespace foresight

// The dynamics as a diffusion model (DDPM, noise prediction): docs/method.md
// sections 2 and 7.
#pragma once

#include "models/bundle/sampler.h"
#include "models/training/dynamics_model.h"

namespace foresight {

// The network eps_theta(u, s', a', k) of docs/method.md section 2.
class Denoiser : public DynamicsModel {
 public:
  Denoiser(const DynamicsRecipe& recipe, int S, int A, at::Generator& random,
           at::TensorOptions options);

  // u [N, S], inputs [N, S + A], k [N] int64 counted from 0 -> [N, S]
  at::Tensor Predict(const Mlp& mlp, const at::Tensor& u,
                     const at::Tensor& inputs, const at::Tensor& k) const;

  const Mlp& mlp() const override { return mlp_; }
  at::Tensor Loss(const at::Tensor& inputs, const at::Tensor& changes,
                  const at::Tensor& weights,
                  at::Generator& random) const override;
  int slots() const override { return static_cast<int>(embedding_.size(0)); }
  at::Tensor Sample(const Mlp& mlp, const at::Tensor& inputs,
                    const at::Tensor& z) const override;

 private:
  Mlp mlp_;
  DiffusionSchedule schedule_;
  at::Tensor signal_, noise_;  // [K] sqrt(abar_k), sqrt(1 - abar_k).
  at::Tensor embedding_;       // [K, T]
};

}  // namespace foresight

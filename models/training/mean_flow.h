// The dynamics as a MeanFlow model (arXiv 2505.13447, with the improved
// objective of 2512.02012): docs/method.md sections 2 and 7.
#pragma once

#include "models/training/dynamics_model.h"

namespace foresight {

// u_theta(z, s', a', t, r), the mean velocity over r..t of the straight paths
// z_t = (1 - t) x + t n from a change of state x to noise n.
//
// It obeys u = v - (t - r) du/dt, where du/dt is the derivative along the path
// (dz = v dt, dr = 0), so that u + (t - r) du/dt is regressed on v = n - x. The
// path's velocity at z is the network's own u(z, t, t), and no gradient flows
// back through du/dt.
//
// Components of the bundle's time embedding turn by up to 1000 rad per unit of
// t. The derivatives of the fast ones would be noise, so those above 10 rad are
// left out: their weights in the first layer are zero and stay zero.
class MeanFlow : public DynamicsModel {
 public:
  MeanFlow(const DynamicsRecipe& recipe, int S, int A, at::Generator& random,
           at::TensorOptions options);

  // z [N, S], inputs [N, S + A], t and r [N] -> [N, S]; differentiable.
  at::Tensor Velocity(const Mlp& mlp, const at::Tensor& z,
                      const at::Tensor& inputs, const at::Tensor& t,
                      const at::Tensor& r) const;

  // du/dt of Velocity if z moves with `velocity` [N, S] and r stands still, by
  // forward-mode differentiation: [N, S], without a gradient.
  at::Tensor TimeDerivative(const Mlp& mlp, const at::Tensor& z,
                            const at::Tensor& velocity,
                            const at::Tensor& inputs, const at::Tensor& t,
                            const at::Tensor& r) const;

  // The loss for given noise n [N, S] and times [N], 0 <= r <= t <= 1. Rows
  // from `moving` on have r = t.
  at::Tensor LossAt(const at::Tensor& inputs, const at::Tensor& changes,
                    const at::Tensor& noise, const at::Tensor& t,
                    const at::Tensor& r, int64_t moving,
                    const at::Tensor& weights) const;

  const Mlp& mlp() const override { return mlp_; }
  at::Tensor Loss(const at::Tensor& inputs, const at::Tensor& changes,
                  const at::Tensor& weights,
                  at::Generator& random) const override;
  int slots() const override { return 1; }
  at::Tensor Sample(const Mlp& mlp, const at::Tensor& inputs,
                    const at::Tensor& z) const override;

 private:
  at::Tensor Embed(const at::Tensor& time) const;

  DynamicsRecipe recipe_;
  Mlp mlp_;
  at::Tensor frequencies_;  // [T / 4] rad per unit of time.
  at::Tensor kept_;         // [T / 2] 1, or 0 for a component left out.
};

}  // namespace foresight

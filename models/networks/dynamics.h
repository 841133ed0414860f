// The dynamics f_theta on torch tensors: networks and samplers.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "models/bundle/bundle.h"
#include "models/bundle/sampler.h"
#include "models/networks/mlp.h"
#include "models/networks/tensor_standardiser.h"

namespace foresight {

// The noise of some transitions, arranged for a sampler and its rows.
struct SamplerNoise {
  struct Share {  // One member's part.
    int member = 0;
    at::Tensor rows;                         // [N_b], undefined with B = 1.
    std::vector<std::vector<at::Tensor>> z;  // [H][J] of [N_b, S]
  };
  std::vector<Share> shares;  // One for each member that has rows.
  at::Tensor places;          // [N]: row n's index among the shares.
};

// Samples next states with a fixed number n of sampler steps, for either kind
// of dynamics (docs/method.md section 2):
//   u = z_0;  for i < n:  u <- c1_i u - c2_i net(u, s', a', e_i) + sigma_i z
//   s_next = s + output.mean + output.std * u
//
// Row n is particle n mod `particles` and uses member (n mod particles) mod B.
// Work that the steps share is done once: the embedding becomes a bias of each
// step, made with the sampler, and the (s', a') part of the first layer is one
// product per transition. Immutable; copying shares storage.
class Sampler {
 public:
  // `steps` is n of mean_flow; diffusion ignores it and takes its K steps.
  static Sampler FromBundle(const Bundle& bundle, int steps,
                            const at::TensorOptions& options);

  // Slots of noise that a transition draws: J = K for diffusion, else 1.
  int slots() const { return slots_; }

  // z: [H, J, N, S], standard normal times tau.
  SamplerNoise Arrange(const at::Tensor& z, int64_t particles) const;

  // Transition h from (s [N, S], a [N, A]): the next states [N, S];
  // differentiable in s and a.
  at::Tensor Next(const at::Tensor& s, const at::Tensor& a,
                  const SamplerNoise& noise, int h) const;

  // A single transition of N particles, z: [J, N, S].
  at::Tensor Next(const at::Tensor& s, const at::Tensor& a,
                  const at::Tensor& z) const;

 private:
  struct Member {
    Mlp mlp;
    // The first layer's columns for u and for (s', a'), transposed.
    at::Tensor state_weight;      // [S, width]
    at::Tensor condition_weight;  // [S + A, width]
    at::Tensor step_biases;       // [n, 1, width], the embedding's part.
    at::Tensor head_weight;       // [last width, S]
    // -c2_i times the head's bias; slot_shifts and offset contain them.
    std::vector<at::Tensor> shifts;  // [n] of [S]
    at::Tensor slot_shifts;          // [J, 1, S]: 0, then shifts.
    at::Tensor offset;  // [S]: output.mean + output.std * the last shift.
  };

  Sampler() = default;
  static Member MakeMember(const Bundle& bundle, int b,
                           const SamplerSteps& steps,
                           const at::TensorOptions& options);
  at::Tensor Change(const Member& member, const at::Tensor& condition,
                    const std::vector<at::Tensor>& z) const;

  TensorStandardiser input_;
  at::Tensor output_std_;        // [S]
  std::vector<double> c1_, c2_;  // [n], in the order of sampling.
  int slots_ = 1;
  at::Tensor slot_scales_;       // [J, 1, 1]: 1, then sigmas.
  std::vector<Member> members_;  // [B]
};

}  // namespace foresight

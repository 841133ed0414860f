// ReBRAC (arXiv 2305.09836): trains the policy and its critics on recorded data
// (docs/method.md section 7).
#pragma once

#include <ATen/core/Tensor.h>

#include "models/data/transitions.h"
#include "models/training/optimiser.h"
#include "models/training/recipe.h"
#include "models/training/trainer.h"

namespace foresight {

// A batch of N transitions as tensors.
struct TransitionBatch {
  at::Tensor states;             // [N, S]
  at::Tensor actions;            // [N, A]
  at::Tensor rewards;            // [N]
  at::Tensor next_states;        // [N, S]
  at::Tensor next_actions;       // [N, A]
  at::Tensor next_action_known;  // [N] 1 or 0
  at::Tensor done;               // [N] 1 or 0

  static TransitionBatch FromTransitions(const Transitions& transitions, int S,
                                         int A, at::TensorOptions options);
  TransitionBatch Rows(const at::Tensor& rows) const;
};

struct Critics {
  Mlp q[2];  // [N, S + A] -> [N, 1]
  // [N], [N]
  std::pair<at::Tensor, at::Tensor> Both(const at::Tensor& states,
                                         const at::Tensor& actions) const;
};

// pi(s) = tanh(mlp(s)), [N, S] -> [N, A]
at::Tensor Act(const Mlp& policy, const at::Tensor& states);

// y = r + (1 - d) gamma (min_i Q'_i(s', a~) - beta2 |a~ - a'|^2), [N]; without
// the penalty if a' is not known. `next` is a~, [N, A]. Needs no gradient.
at::Tensor CriticTarget(const TransitionBatch& batch, const Critics& target,
                        const at::Tensor& next, double discount, double beta2);

// mean(beta1 |pi(s) - a|^2 - lambda min_i Q_i(s, pi(s))), lambda = 1 / mean|Q|
// without gradient. Scalar.
at::Tensor ActorLoss(const TransitionBatch& batch, const Mlp& policy,
                     const Critics& critics, double beta1);

class RebracTrainer : public Trainer {
 public:
  // Both sets have at least one row. The critics see raw states and actions.
  RebracTrainer(const PolicyRecipe& recipe, int S, int A,
                const Transitions& training, const Transitions& held_out,
                at::TensorOptions options);

  // "q" is the mean of Q_0(s, pi(s)), "distance" the mean of (pi(s) - a)^2,
  // both with the averaged weights on up to 2000 held-out rows.
  Measurements Evaluate() const override;

 protected:
  at::Tensor Update() override;
  TensorDict Tensors() const override;

 private:
  struct Nets {
    Mlp policy;
    Critics critics;
    std::vector<at::Tensor> Parameters() const;
    Nets WithParameters(const std::vector<at::Tensor>& parameters) const;
    TensorDict Tensors(const std::string& prefix) const;
  };
  static Nets RandomNets(const PolicyRecipe& recipe, int S, int A,
                         at::Generator& random, at::TensorOptions options);
  void UpdateActor(const TransitionBatch& batch);

  PolicyRecipe recipe_;
  TransitionBatch training_, held_out_;
  Nets nets_;
  RunningAverage target_, average_;
  Adam critic_adam_, actor_adam_;
};

}  // namespace foresight

#include "models/training/rebrac.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/tanh.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <utility>

namespace foresight {
namespace {

constexpr int64_t kEvaluationRows = 2000;

Adam::Options AdamOptions(const Schedule& schedule) {
  return {schedule.learning_rate, schedule.final_fraction, schedule.steps};
}

std::vector<at::Tensor> Join(std::vector<at::Tensor> a,
                             const std::vector<at::Tensor>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<at::Tensor> CriticParameters(const Critics& critics) {
  return Join(critics.q[0].Parameters(), critics.q[1].Parameters());
}

}  // namespace

TransitionBatch TransitionBatch::FromTransitions(const Transitions& from, int S,
                                                 int A,
                                                 at::TensorOptions options) {
  return {RowsToTensor(from.states, S, options),
          RowsToTensor(from.actions, A, options),
          RowsToTensor(from.rewards, 0, options),
          RowsToTensor(from.next_states, S, options),
          RowsToTensor(from.next_actions, A, options),
          RowsToTensor(from.next_action_known, 0, options),
          RowsToTensor(from.done, 0, options)};
}

TransitionBatch TransitionBatch::Rows(const at::Tensor& rows) const {
  const at::Tensor index = rows.to(states.device());
  return {states.index_select(0, index),
          actions.index_select(0, index),
          rewards.index_select(0, index),
          next_states.index_select(0, index),
          next_actions.index_select(0, index),
          next_action_known.index_select(0, index),
          done.index_select(0, index)};
}

std::pair<at::Tensor, at::Tensor> Critics::Both(
    const at::Tensor& states, const at::Tensor& actions) const {
  const at::Tensor input = at::cat({states, actions}, -1);
  return {q[0].Forward(input).squeeze(-1), q[1].Forward(input).squeeze(-1)};
}

at::Tensor Act(const Mlp& policy, const at::Tensor& states) {
  return at::tanh(policy.Forward(states));
}

at::Tensor CriticTarget(const TransitionBatch& batch, const Critics& target,
                        const at::Tensor& next, double discount, double beta2) {
  const at::NoGradGuard no_grad;
  const auto [q0, q1] = target.Both(batch.next_states, next);
  const at::Tensor distance = (next - batch.next_actions).square().sum(-1);
  const at::Tensor value =
      at::minimum(q0, q1) - beta2 * distance * batch.next_action_known;
  return batch.rewards + (1 - batch.done) * discount * value;
}

at::Tensor ActorLoss(const TransitionBatch& batch, const Mlp& policy,
                     const Critics& critics, double beta1) {
  const at::Tensor actions = Act(policy, batch.states);
  const auto [q0, q1] = critics.Both(batch.states, actions);
  const at::Tensor value = at::minimum(q0, q1);
  const at::Tensor lambda = value.detach().abs().mean().reciprocal();
  const at::Tensor distance = (actions - batch.actions).square().sum(-1);
  return (beta1 * distance - lambda * value).mean();
}

std::vector<at::Tensor> RebracTrainer::Nets::Parameters() const {
  return Join(policy.Parameters(), CriticParameters(critics));
}

RebracTrainer::Nets RebracTrainer::Nets::WithParameters(
    const std::vector<at::Tensor>& parameters) const {
  Nets other = *this;
  auto next = parameters.begin();
  for (Mlp* mlp : {&other.policy, &other.critics.q[0], &other.critics.q[1]}) {
    const auto end = next + static_cast<int64_t>(mlp->Parameters().size());
    *mlp = mlp->WithParameters({next, end});
    next = end;
  }
  return other;
}

TensorDict RebracTrainer::Nets::Tensors(const std::string& prefix) const {
  TensorDict tensors = MlpTensors(prefix + "policy", policy);
  tensors.merge(MlpTensors(prefix + "critic.0", critics.q[0]));
  tensors.merge(MlpTensors(prefix + "critic.1", critics.q[1]));
  return tensors;
}

RebracTrainer::Nets RebracTrainer::RandomNets(const PolicyRecipe& recipe, int S,
                                              int A, at::Generator& random,
                                              at::TensorOptions options) {
  MlpShape policy, critic;
  policy.widths = {S};
  critic.widths = {S + A};
  policy.widths.insert(policy.widths.end(), recipe.policy_hidden.begin(),
                       recipe.policy_hidden.end());
  critic.widths.insert(critic.widths.end(), recipe.critic_hidden.begin(),
                       recipe.critic_hidden.end());
  policy.widths.push_back(A);
  critic.widths.push_back(1);
  critic.layer_norm = true;
  critic.layer_norm_epsilon = recipe.layer_norm_epsilon;
  Nets nets;
  nets.policy = RandomMlp(policy, 0.1, 1e-3, random, options);
  for (Mlp& q : nets.critics.q) {
    q = RandomMlp(critic, 0.1, 3e-3, random, options);
  }
  return nets;
}

RebracTrainer::RebracTrainer(const PolicyRecipe& recipe, int S, int A,
                             const Transitions& training,
                             const Transitions& held_out,
                             at::TensorOptions options)
    : Trainer(recipe.schedule.seed, options.device()),
      recipe_(recipe),
      training_(TransitionBatch::FromTransitions(training, S, A, options)),
      held_out_(TransitionBatch::FromTransitions(held_out, S, A, options)),
      nets_(RandomNets(recipe, S, A, random(), options)),
      target_(nets_.Parameters(), 1 - recipe.target_rate),
      average_(nets_.Parameters(), recipe.schedule.average),
      critic_adam_(CriticParameters(nets_.critics),
                   AdamOptions(recipe.schedule)),
      actor_adam_(nets_.policy.Parameters(), AdamOptions(recipe.schedule)) {}

at::Tensor RebracTrainer::Update() {
  const TransitionBatch batch = training_.Rows(
      RandomRows(training_.rewards.size(0), recipe_.schedule.batch));
  const Nets target = nets_.WithParameters(target_.values());
  at::Tensor next;  // a~
  {
    const at::NoGradGuard no_grad;
    const at::Tensor noise =
        RandomNormal(batch.actions.sizes()) * recipe_.target_noise;
    next = (Act(target.policy, batch.next_states) +
            noise.clamp(-recipe_.noise_limit, recipe_.noise_limit))
               .clamp(-1, 1);
  }
  const at::Tensor y = CriticTarget(batch, target.critics, next,
                                    recipe_.discount, recipe_.beta2);
  const auto [q0, q1] = nets_.critics.Both(batch.states, batch.actions);
  const at::Tensor loss = at::mse_loss(q0, y) + at::mse_loss(q1, y);
  critic_adam_.Step(
      torch::autograd::grad({loss}, CriticParameters(nets_.critics)));
  if (step() % recipe_.actor_period == 0) UpdateActor(batch);
  return loss.detach();
}

void RebracTrainer::UpdateActor(const TransitionBatch& batch) {
  const at::Tensor loss =
      ActorLoss(batch, nets_.policy, nets_.critics, recipe_.beta1);
  actor_adam_.Step(torch::autograd::grad({loss}, nets_.policy.Parameters()));
  target_.Update();
  average_.Update();
}

Measurements RebracTrainer::Evaluate() const {
  const at::NoGradGuard no_grad;
  const Nets average = nets_.WithParameters(average_.values());
  const int64_t rows = std::min(kEvaluationRows, held_out_.rewards.size(0));
  const TransitionBatch batch = held_out_.Rows(at::arange(rows));
  const at::Tensor actions = Act(average.policy, batch.states);
  const at::Tensor q = average.critics.Both(batch.states, actions).first;
  return {{"q", q.mean().item<double>()},
          {"distance", at::mse_loss(actions, batch.actions).item<double>()}};
}

TensorDict RebracTrainer::Tensors() const {
  TensorDict tensors = nets_.Tensors("");
  tensors.merge(nets_.WithParameters(target_.values()).Tensors("target."));
  tensors.merge(nets_.WithParameters(average_.values()).Tensors("average."));
  tensors.merge(critic_adam_.State("adam.critic"));
  tensors.merge(actor_adam_.State("adam.policy"));
  return tensors;
}

}  // namespace foresight

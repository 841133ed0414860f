#include "models/training/rebrac.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace foresight {
namespace {

// y = w x + b as relu(w x + b) - relu(-(w x + b)).
Mlp Linear(const std::vector<float>& weight, float bias) {
  const int64_t in = static_cast<int64_t>(weight.size());
  const at::Tensor w = at::tensor(weight).view({1, in});
  Mlp mlp;
  mlp.layers.push_back({at::cat({w, -w}), at::tensor({bias, -bias}), {}, {}});
  mlp.layers.push_back(
      {at::tensor({1.0f, -1.0f}).view({1, 2}), at::tensor({0.0f}), {}, {}});
  return mlp;
}

// Two rows, S = A = 1.
TransitionBatch TwoRows() {
  TransitionBatch batch;
  batch.states = at::tensor({0.5f, -1.0f}).view({2, 1});
  batch.actions = at::tensor({0.2f, -0.4f}).view({2, 1});
  batch.rewards = at::tensor({1.0f, 2.0f});
  batch.next_states = at::tensor({2.0f, 3.0f}).view({2, 1});
  batch.next_actions = at::tensor({0.5f, -0.5f}).view({2, 1});
  batch.next_action_known = at::tensor({1.0f, 1.0f});
  batch.done = at::tensor({0.0f, 0.0f});
  return batch;
}

// Q_0 = s + a, Q_1 = 2 s - 3 a
Critics TwoCritics() { return {{Linear({1, 1}, 0), Linear({2, -3}, 0)}}; }

TEST(CriticTarget, IsThePenalisedTwinMinimumOfTheNextState) {
  // Row 0: Q = 2.25, 3.25; |a~ - a'|^2 = 0.0625.
  // Row 1: Q = 4, 3; |a~ - a'|^2 = 2.25.
  const at::Tensor y =
      CriticTarget(TwoRows(), TwoCritics(),
                   at::tensor({0.25f, 1.0f}).view({2, 1}), 0.9, 0.1);
  EXPECT_FLOAT_EQ(y[0].item<float>(), 1 + 0.9 * (2.25 - 0.1 * 0.0625));
  EXPECT_FLOAT_EQ(y[1].item<float>(), 2 + 0.9 * (3 - 0.1 * 2.25));
}

TEST(CriticTarget, EndsAtATerminal) {
  TransitionBatch batch = TwoRows();
  batch.done = at::tensor({1.0f, 0.0f});
  const at::Tensor y = CriticTarget(
      batch, TwoCritics(), at::tensor({0.25f, 1.0f}).view({2, 1}), 0.9, 0.1);
  EXPECT_FLOAT_EQ(y[0].item<float>(), 1);
  EXPECT_FLOAT_EQ(y[1].item<float>(), 2 + 0.9 * (3 - 0.1 * 2.25));
}

TEST(CriticTarget, HasNoPenaltyWhereTheNextActionIsUnknown) {
  TransitionBatch batch = TwoRows();
  batch.next_action_known = at::tensor({1.0f, 0.0f});
  const at::Tensor y = CriticTarget(
      batch, TwoCritics(), at::tensor({0.25f, 1.0f}).view({2, 1}), 0.9, 0.1);
  EXPECT_FLOAT_EQ(y[1].item<float>(), 2 + 0.9 * 3);
}

TEST(ActorLoss, WeighsValueByItsOwnMagnitude) {
  // pi(s) = tanh(0.5 s): a = 0.244919, -0.462117.
  const double a[2] = {std::tanh(0.25), std::tanh(-0.5)};
  // Row 0: Q = 0.744919, 0.265243; row 1: -1.462117, -0.613649.
  const double q[2] = {1 - 3 * a[0], -1 + a[1]};
  const double lambda = 2 / (std::abs(q[0]) + std::abs(q[1]));
  const double distance = std::pow(a[0] - 0.2, 2) + std::pow(a[1] + 0.4, 2);
  const at::Tensor loss =
      ActorLoss(TwoRows(), Linear({0.5f}, 0), TwoCritics(), 0.3);
  EXPECT_NEAR(loss.item<float>(), (0.3 * distance - lambda * (q[0] + q[1])) / 2,
              1e-6);
}

TEST(ActorLoss, HasNoGradientThroughLambda) {
  Mlp policy = Linear({0.5f}, 0);
  const at::Tensor& w = policy.layers[0].weight;
  w.requires_grad_();
  const at::Tensor loss = ActorLoss(TwoRows(), policy, TwoCritics(), 0.3);
  const at::Tensor both = torch::autograd::grad({loss}, {w})[0];
  const double gradient = (both[0] - both[1]).item<double>();
  // By hand, with lambda constant: the minimum is Q_1 in row 0 and Q_0 in row
  // 1, with slopes in a of -3 and 1; da/dw = s (1 - a^2).
  const double s[2] = {0.5, -1}, data[2] = {0.2, -0.4};
  const double a[2] = {std::tanh(0.25), std::tanh(-0.5)};
  const double slope[2] = {-3, 1};
  const double lambda =
      2 / (std::abs(2 * s[0] - 3 * a[0]) + std::abs(s[1] + a[1]));
  double expected = 0;
  for (int i = 0; i < 2; ++i) {
    expected += (0.3 * 2 * (a[i] - data[i]) - lambda * slope[i]) * s[i] *
                (1 - a[i] * a[i]) / 2;
  }
  EXPECT_NEAR(gradient, expected, 1e-6);
}

// One decision each: s ~ U(-1, 1), a ~ U(-1, 1), r = 1 - (a - s / 2)^2, done.
Transitions Bandit(int rows) {
  std::mt19937_64 random(3);
  const auto uniform = [&] {
    return static_cast<float>(random() % 20001) / 10000 - 1;
  };
  Transitions transitions;
  for (int i = 0; i < rows; ++i) {
    const float s = uniform(), a = uniform();
    transitions.states.push_back(s);
    transitions.actions.push_back(a);
    transitions.rewards.push_back(1 - (a - s / 2) * (a - s / 2));
    transitions.next_states.push_back(0);
    transitions.next_actions.push_back(0);
    transitions.next_action_known.push_back(0);
    transitions.done.push_back(1);
  }
  return transitions;
}

PolicyRecipe SmallPolicyRecipe() {
  PolicyRecipe recipe;
  recipe.schedule = {600, 64, 3e-3, 0.1, 0.95, 7};
  recipe.policy_hidden = {32};
  recipe.critic_hidden = {32, 32};
  recipe.beta1 = 0.01;
  recipe.target_noise = 0.2;
  recipe.noise_limit = 0.5;
  return recipe;
}

TEST(RebracTrainer, LearnsABanditsBestAction) {
  RebracTrainer trainer(SmallPolicyRecipe(), 1, 1, Bandit(2000), Bandit(50),
                        at::TensorOptions(at::kFloat));
  for (int i = 0; i < 600; ++i) trainer.Step();
  const TensorDict state = trainer.State();
  Mlp policy;
  for (const char* layer : {"0", "1"}) {
    const std::string name = std::string("average.policy.layers.") + layer;
    policy.layers.push_back(
        {state.at(name + ".weight"), state.at(name + ".bias"), {}, {}});
  }
  for (const float s : {-0.8f, -0.3f, 0.0f, 0.5f, 0.9f}) {
    const float a = Act(policy, at::tensor({s}).view({1, 1})).item<float>();
    // A random policy is off by 0.5; 600 updates bring it within 0.1.
    EXPECT_NEAR(a, s / 2, 0.1) << "s = " << s;
  }
}

TEST(RebracTrainer, TargetsFollowOnlyWhenTheActorMoves) {
  PolicyRecipe recipe = SmallPolicyRecipe();
  recipe.target_rate = 0.5;
  RebracTrainer trainer(recipe, 1, 1, Bandit(100), Bandit(50),
                        at::TensorOptions(at::kFloat));
  const auto snapshot = [&](const std::string& name) {
    return trainer.State().at(name).clone();
  };
  const at::Tensor before = snapshot("target.critic.0.layers.0.weight");
  trainer.Step();  // Update 0 moves the actor.
  const at::Tensor live = snapshot("critic.0.layers.0.weight");
  const at::Tensor after = snapshot("target.critic.0.layers.0.weight");
  EXPECT_TRUE(at::allclose(after, (before + live) / 2, 1e-6, 1e-7));
  const at::Tensor policy = snapshot("policy.layers.0.weight");
  trainer.Step();  // Update 1 does not.
  EXPECT_TRUE(at::equal(snapshot("policy.layers.0.weight"), policy));
  EXPECT_TRUE(at::equal(snapshot("target.critic.0.layers.0.weight"), after));
  EXPECT_FALSE(at::equal(snapshot("critic.0.layers.0.weight"), live));
}

}  // namespace
}  // namespace foresight

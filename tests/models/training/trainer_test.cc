#include "models/training/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace foresight {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

// Adds a random row number and a normal number to its only weight.
class WanderingTrainer : public Trainer {
 public:
  explicit WanderingTrainer(uint64_t seed) : Trainer(seed) {}
  Measurements Evaluate() const override { return {}; }
  double weight() const { return weight_.item<double>(); }

 protected:
  at::Tensor Update() override {
    weight_.add_(RandomRows(10, 1)[0] + RandomNormal({1})[0]);
    return weight_;
  }
  TensorDict Tensors() const override { return {{"weight", weight_}}; }

 private:
  at::Tensor weight_ = at::zeros({});
};

TEST(Trainer, RestoresToTheSameBits) {
  WanderingTrainer a(1), b(2);
  for (int i = 0; i < 5; ++i) a.Step();
  TensorDict saved;
  for (const auto& [name, tensor] : a.State()) saved[name] = tensor.clone();
  for (int i = 0; i < 5; ++i) a.Step();
  ASSERT_TRUE(b.Restore(saved).ok());
  EXPECT_EQ(b.step(), 5);
  for (int i = 0; i < 5; ++i) b.Step();
  EXPECT_EQ(a.weight(), b.weight());
  EXPECT_EQ(a.TakeMeanLoss(), b.TakeMeanLoss());
}

TEST(Trainer, RefusesAStateThatDoesNotFit) {
  WanderingTrainer trainer(1);
  TensorDict state = trainer.State();
  state["weight"] = at::zeros({2});
  EXPECT_THAT(std::string(trainer.Restore(state).message()),
              HasSubstr("weight has another shape"));
  state.erase("weight");
  EXPECT_THAT(std::string(trainer.Restore(state).message()),
              HasSubstr("weight is missing"));
}

TEST(Trainer, TheMeanLossIsOfTheStepsSinceItWasTaken) {
  WanderingTrainer trainer(1);
  EXPECT_EQ(trainer.TakeMeanLoss(), 0);
  trainer.Step();
  const double first = trainer.weight();
  trainer.Step();
  EXPECT_DOUBLE_EQ(trainer.TakeMeanLoss(), (first + trainer.weight()) / 2);
  trainer.Step();
  EXPECT_DOUBLE_EQ(trainer.TakeMeanLoss(), trainer.weight());
}

TEST(RandomMlp, DrawsWithinItsLimits) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(4);
  const MlpShape shape = {{100, 50, 2}, Activation::kRelu, true, 1e-5};
  const Mlp mlp =
      RandomMlp(shape, 0.1, 1e-3, random, at::TensorOptions(at::kFloat));
  ASSERT_EQ(mlp.layers.size(), 2u);
  const double largest =
      mlp.layers[0].weight.detach().abs().max().item<double>();
  EXPECT_LE(largest, 0.1);   // 1 / sqrt(100)
  EXPECT_GT(largest, 0.09);  // In 5000 draws.
  EXPECT_TRUE(mlp.layers[0].bias.eq(0.1f).all().item<bool>());
  EXPECT_TRUE(mlp.layers[0].norm_weight.eq(1).all().item<bool>());
  EXPECT_TRUE(mlp.layers[0].norm_bias.eq(0).all().item<bool>());
  EXPECT_LE(mlp.layers[1].weight.detach().abs().max().item<double>(), 1e-3);
  EXPECT_LE(mlp.layers[1].bias.detach().abs().max().item<double>(), 1e-3);
  EXPECT_FALSE(mlp.layers[1].norm_weight.defined());
  EXPECT_TRUE(mlp.layers[1].weight.requires_grad());
}

TEST(RandomMlp, TreatsAHeadWithoutLimitAsAHiddenLayer) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(4);
  const Mlp mlp =
      RandomMlp({{3, 4, 100}}, 0, 0, random, at::TensorOptions(at::kFloat));
  const double largest =
      mlp.layers[1].weight.detach().abs().max().item<double>();
  EXPECT_LE(largest, 0.5);
  EXPECT_GT(largest, 0.45);
  EXPECT_TRUE(mlp.layers[1].bias.eq(0).all().item<bool>());
}

TEST(MlpTensors, HaveTheBundlesNames) {
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(4);
  const Mlp mlp = RandomMlp({{3, 4, 1}, Activation::kRelu, true}, 0, 0, random,
                            at::TensorOptions(at::kFloat));
  EXPECT_THAT(
      MlpTensors("critic.0", mlp),
      ElementsAre(
          Key("critic.0.layers.0.bias"), Key("critic.0.layers.0.weight"),
          Key("critic.0.layers.1.bias"), Key("critic.0.layers.1.weight"),
          Key("critic.0.norms.0.bias"), Key("critic.0.norms.0.weight")));
}

}  // namespace
}  // namespace foresight

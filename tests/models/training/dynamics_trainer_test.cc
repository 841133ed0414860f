#include "models/training/dynamics_trainer.h"

#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/data/fitted_standardiser.h"
#include "models/training/data_source.h"
#include "models/training/evaluation.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

const at::TensorOptions kFloats(at::kFloat);

class DynamicsTrainerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto recipe = ParseRecipe(SmallRecipe(1500), "small");
    ASSERT_TRUE(recipe.ok()) << recipe.status();
    recipe_ = *recipe;
    WriteSmallWorld(folder_.path() / "small.hdf5", 100, 3);
    auto source = ReadDataSource(recipe_, folder_.path() / "small.hdf5");
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
    training_ = DynamicsTransitions(source_.dataset, source_.split.training);
  }
  DynamicsTrainer MakeTrainer(const at::Tensor& weights = {}) const {
    return DynamicsTrainer(recipe_.dynamics, 2, 1, training_, weights,
                           HeldOutRollouts(source_, kFloats), kFloats);
  }
  // Trains a model of the recipe's kind for 1500 updates.
  void ExpectToLearnWhatALinearFitCannot();

  TemporaryFolder folder_;
  Recipe recipe_;
  DataSource source_;
  Transitions training_;
};

double Value(const Measurements& measurements, const std::string& name) {
  for (const auto& [key, value] : measurements) {
    if (key == name) return value;
  }
  ADD_FAILURE() << "no " << name;
  return 0;
}

void DynamicsTrainerTest::ExpectToLearnWhatALinearFitCannot() {
  DynamicsTrainer trainer = MakeTrainer();
  const double before = Value(trainer.Evaluate(), "state_rmse_1");
  for (int i = 0; i < 1500; ++i) trainer.Step();
  const Measurements after = trainer.Evaluate();
  const LinearDynamics linear(training_, 2, 1, kFloats);
  const std::vector<RecordedRollouts> rollouts =
      HeldOutRollouts(source_, kFloats);
  const double straight =
      MeasureRollouts(rollouts[0], 0,
                      [&](const at::Tensor& s, const at::Tensor& a,
                          const at::Tensor&) { return linear.Next(s, a); })
          .rmse;
  // A linear fit leaves an error of 0.4; 1500 updates leave 0.08.
  EXPECT_GT(straight, 0.3);
  EXPECT_LT(Value(after, "state_rmse_1"), straight / 3);
  EXPECT_LT(Value(after, "state_rmse_1"), before / 3);
  EXPECT_LT(Value(after, "state_rmse_10"), straight);
}

TEST_F(DynamicsTrainerTest, DiffusionLearns) {
  ExpectToLearnWhatALinearFitCannot();
}

TEST_F(DynamicsTrainerTest, MeanFlowLearnsInOneStepAndInTwo) {
  recipe_.dynamics.kind = DynamicsKind::kMeanFlow;
  recipe_.dynamics.time_embedding = 32;
  for (const int steps : {1, 2}) {
    recipe_.dynamics.sampler_steps = steps;
    ExpectToLearnWhatALinearFitCannot();
  }
}

TEST_F(DynamicsTrainerTest, RowsWithoutWeightAreIgnored) {
  const DynamicsTrainer untrained = MakeTrainer();
  DynamicsTrainer trainer = MakeTrainer(at::zeros({training_.size()}));
  for (int i = 0; i < 3; ++i) trainer.Step();
  EXPECT_EQ(trainer.TakeMeanLoss(), 0);
  EXPECT_EQ(trainer.Evaluate(), untrained.Evaluate());
}

TEST_F(DynamicsTrainerTest, EvaluationDoesNotDisturbTheTraining) {
  DynamicsTrainer a = MakeTrainer(), b = MakeTrainer();
  for (int i = 0; i < 3; ++i) {
    a.Step();
    b.Step();
    EXPECT_EQ(b.Evaluate(), b.Evaluate());
  }
  EXPECT_EQ(a.TakeMeanLoss(), b.TakeMeanLoss());
}

TEST_F(DynamicsTrainerTest, ShipsTheDatasStandardisers) {
  const DynamicsTrainer trainer = MakeTrainer();
  const TensorDict state = trainer.State();
  const FittedStandardiser states = FitStandardiser(training_.states, 2, 1e-3f);
  const FittedStandardiser change = FitDifferenceStandardiser(
      training_.states, training_.next_states, 2, 1e-4f);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(state.at("constant.dynamics.input.mean")[i].item<float>(),
              states.mean[i]);
    EXPECT_EQ(state.at("constant.dynamics.output.mean")[i].item<float>(),
              change.mean[i]);
    EXPECT_EQ(state.at("constant.dynamics.output.std")[i].item<float>(),
              change.std[i]);
  }
}

}  // namespace
}  // namespace foresight

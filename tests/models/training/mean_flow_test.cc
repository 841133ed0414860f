#include "models/training/mean_flow.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <vector>

#include "models/training/optimiser.h"

namespace foresight {
namespace {

constexpr int S = 2, A = 1, N = 7;
// Finite differences with this step in double are exact to 1e-8 of the
// derivative.
constexpr double kStep = 1e-5;
constexpr double kTolerance = 1e-6;
const at::TensorOptions kDoubles(at::kDouble);

DynamicsRecipe SmallRecipe() {
  DynamicsRecipe recipe;
  recipe.kind = DynamicsKind::kMeanFlow;
  recipe.hidden = {9, 8};
  recipe.time_embedding = 32;
  recipe.sampler_steps = 1;
  return recipe;
}

// In double, with times 0 <= r < t <= 1.
class MeanFlowTest : public ::testing::Test {
 protected:
  at::Tensor Normal(at::IntArrayRef shape) {
    return at::randn(shape, random_, kDoubles);
  }

  at::Generator random_ = at::make_generator<at::CPUGeneratorImpl>(1);
  const MeanFlow flow_{SmallRecipe(), S, A, random_, kDoubles};
  const at::Tensor z_ = Normal({N, S});
  const at::Tensor inputs_ = Normal({N, S + A});
  const at::Tensor r_ = at::rand({N}, random_, kDoubles) * 0.5;
  const at::Tensor t_ = r_ + 0.3;
};

TEST_F(MeanFlowTest, TheTimeDerivativeIsThatOfFiniteDifferences) {
  const at::NoGradGuard no_grad;
  const at::Tensor velocity = Normal({N, S});
  const auto moved = [&](double by) {
    return flow_.Velocity(flow_.mlp(), z_ + by * velocity, inputs_, t_ + by,
                          r_);
  };
  const at::Tensor expected = (moved(kStep) - moved(-kStep)) / (2 * kStep);
  const at::Tensor derivative =
      flow_.TimeDerivative(flow_.mlp(), z_, velocity, inputs_, t_, r_);
  EXPECT_TRUE(at::allclose(derivative, expected, kTolerance, kTolerance));
  // The derivative is along r and z as well, not only t.
  EXPECT_FALSE(at::allclose(
      derivative,
      flow_.TimeDerivative(flow_.mlp(), z_, velocity * 0, inputs_, t_, r_)));
}

TEST_F(MeanFlowTest, AnExceptionLeavesForwardDifferentiationUsable) {
  const at::Tensor velocity = Normal({N, S});
  EXPECT_ANY_THROW(flow_.TimeDerivative(flow_.mlp(), z_, velocity,
                                        Normal({N, S + A + 1}), t_, r_));
  const at::Tensor derivative =
      flow_.TimeDerivative(flow_.mlp(), z_, velocity, inputs_, t_, r_);
  EXPECT_TRUE(derivative.defined());
  EXPECT_FALSE(derivative.requires_grad());
}

// The objective written out: u + (t - r) du/dt against n - x, with the
// network's own velocity along the path and du/dt from finite differences.
TEST_F(MeanFlowTest, TheLossIsTheImprovedObjective) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = Normal({N, S}), n = Normal({N, S});
  const at::Tensor time = t_.unsqueeze(-1), span = (t_ - r_).unsqueeze(-1);
  const at::Tensor z = (1 - time) * x + time * n;
  const at::Tensor own = flow_.Velocity(flow_.mlp(), z, inputs_, t_, t_);
  const auto moved = [&](double by) {
    return flow_.Velocity(flow_.mlp(), z + by * own, inputs_, t_ + by, r_);
  };
  const at::Tensor slope = (moved(kStep) - moved(-kStep)) / (2 * kStep);
  const at::Tensor rows = (moved(0) + span * slope - (n - x)).square().mean(-1);
  EXPECT_NEAR(flow_.LossAt(inputs_, x, n, t_, r_, N, {}).item<double>(),
              rows.mean().item<double>(), kTolerance);
  const at::Tensor weights = at::rand({N}, random_, kDoubles);
  EXPECT_NEAR(flow_.LossAt(inputs_, x, n, t_, r_, N, weights).item<double>(),
              (rows * weights).mean().item<double>(), kTolerance);
}

TEST_F(MeanFlowTest, WithEqualTimesTheLossIsThatOfFlowMatching) {
  const at::NoGradGuard no_grad;
  const at::Tensor x = Normal({N, S}), n = Normal({N, S});
  const at::Tensor time = t_.unsqueeze(-1);
  const at::Tensor u =
      flow_.Velocity(flow_.mlp(), (1 - time) * x + time * n, inputs_, t_, t_);
  const double expected = (u - (n - x)).square().mean().item<double>();
  for (const int64_t moving : {0, 3, N}) {
    EXPECT_NEAR(flow_.LossAt(inputs_, x, n, t_, t_, moving, {}).item<double>(),
                expected, kTolerance);
  }
}

// Only u has a gradient; du/dt counts as constant.
TEST_F(MeanFlowTest, NothingFlowsBackThroughTheTimeDerivative) {
  const at::Tensor x = Normal({N, S}), n = Normal({N, S});
  const at::Tensor time = t_.unsqueeze(-1), span = (t_ - r_).unsqueeze(-1);
  const at::Tensor z = (1 - time) * x + time * n;
  const std::vector<at::Tensor> parameters = flow_.mlp().Parameters();
  const std::vector<at::Tensor> gradient = torch::autograd::grad(
      {flow_.LossAt(inputs_, x, n, t_, r_, N, {})}, parameters);

  const at::NoGradGuard no_grad;
  const at::Tensor slope = flow_.TimeDerivative(
      flow_.mlp(), z, flow_.Velocity(flow_.mlp(), z, inputs_, t_, t_), inputs_,
      t_, r_);
  std::vector<at::Tensor> direction;
  double along = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    direction.push_back(Normal(parameters[i].sizes()));
    along += (gradient[i] * direction[i]).sum().item<double>();
  }
  const auto moved = [&](double by) {
    std::vector<at::Tensor> other;
    for (size_t i = 0; i < parameters.size(); ++i) {
      other.push_back(parameters[i] + by * direction[i]);
    }
    const at::Tensor u =
        flow_.Velocity(flow_.mlp().WithParameters(other), z, inputs_, t_, r_);
    return (u + span * slope - (n - x)).square().mean().item<double>();
  };
  EXPECT_NEAR(along, (moved(kStep) - moved(-kStep)) / (2 * kStep),
              kTolerance * std::abs(along));
}

TEST_F(MeanFlowTest, SamplesByStepsOfTheGrid) {
  const at::NoGradGuard no_grad;
  DynamicsRecipe recipe = SmallRecipe();
  recipe.sampler_steps = 2;
  const MeanFlow flow(recipe, S, A, random_, kDoubles);
  const auto at_time = [](double time) {
    return at::full({N}, time, kDoubles);
  };
  const Mlp& mlp = flow.mlp();
  at::Tensor u = z_;
  u = u - 0.5 * flow.Velocity(mlp, u, inputs_, at_time(1), at_time(0.5));
  u = u - 0.5 * flow.Velocity(mlp, u, inputs_, at_time(0.5), at_time(0));
  EXPECT_TRUE(at::allclose(flow.Sample(mlp, inputs_, z_.unsqueeze(0)), u));
}

// The change of state has a mean of 2c, where c is the condition, and a
// deviation of 0.5. A model of the mean alone would have a deviation of 0, and
// unchanged noise one of 1.
class Spread {
 public:
  at::Tensor DrawInputs(int64_t rows) {
    return at::rand({rows, 2}, random_) * 2 - 1;
  }
  at::Tensor Draw(const at::Tensor& inputs) {
    return 2 * inputs.narrow(1, 0, 1) +
           0.5 * at::randn({inputs.size(0), 1}, random_);
  }
  at::Generator& random() { return random_; }

 private:
  at::Generator random_ = at::make_generator<at::CPUGeneratorImpl>(3);
};

TEST(MeanFlow, LearnsTheMeanAndTheSpreadOfADistribution) {
  constexpr int kUpdates = 2000, kRows = 256, kSamples = 2000;
  Spread spread;
  DynamicsRecipe recipe = SmallRecipe();
  recipe.hidden = {64, 64};
  const MeanFlow flow(recipe, 1, 1, spread.random(),
                      at::TensorOptions(at::kFloat));
  Adam adam(flow.mlp().Parameters(), {3e-3, 0.01, kUpdates});
  RunningAverage average(flow.mlp().Parameters(), 0.99);
  for (int i = 0; i < kUpdates; ++i) {
    const at::Tensor inputs = spread.DrawInputs(kRows);
    const at::Tensor loss =
        flow.Loss(inputs, spread.Draw(inputs), {}, spread.random());
    adam.Step(torch::autograd::grad({loss}, flow.mlp().Parameters()));
    average.Update();
  }
  const at::NoGradGuard no_grad;
  const Mlp mlp = flow.mlp().WithParameters(average.values());
  const auto sample = [&](double c, int steps) {
    recipe.sampler_steps = steps;
    const MeanFlow sampler(recipe, 1, 1, spread.random(),
                           at::TensorOptions(at::kFloat));
    return sampler.Sample(mlp, at::full({kSamples, 2}, c),
                          at::randn({1, kSamples, 1}, spread.random()));
  };
  for (const double c : {-0.4, 0.4}) {
    const at::Tensor in_many = sample(c, 32), in_one = sample(c, 1);
    EXPECT_NEAR(in_many.mean().item<double>(), 2 * c, 0.1) << c;
    EXPECT_NEAR(in_many.std().item<double>(), 0.5, 0.1) << c;
    // One step is slower to learn: std 0.3 after 2000 updates, 0.42 after 8000.
    EXPECT_NEAR(in_one.mean().item<double>(), 2 * c, 0.15) << c;
    EXPECT_NEAR(in_one.std().item<double>(), 0.4, 0.2) << c;
  }
  // The left-out components of the embedding have zero weights.
  const at::Tensor first = flow.mlp().layers.front().weight;
  EXPECT_EQ(first.narrow(1, 3, 4).abs().max().item<double>(), 0);
  EXPECT_GT(first.narrow(1, 7, 4).abs().max().item<double>(), 0);
}

}  // namespace
}  // namespace foresight

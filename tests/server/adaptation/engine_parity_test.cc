// Compares decisions and steps of the fused engine with the autograd engine's,
// over sizes with every kind of tail. The precision of float32 is measured by
// the autograd engine against its own float64.
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/bundle/random_bundle.h"
#include "server/adaptation/autograd/autograd_engine.h"
#include "server/adaptation/fused/fused_engine.h"

namespace foresight {
namespace {

struct Shape {
  std::string name;
  int states, actions;
  std::vector<int> widths;
  int horizon, particles, steps;
  int members = 1;
  DynamicsKind kind = DynamicsKind::kDiffusion;
  bool layer_norm = false;  // The policy's.
  float action_step = 0;
};

const Shape kShapes[] = {
    {"Hopper", 11, 3, {256, 256, 256}, 5, 10, 1},
    {"HopperAdaptsFiveTimes", 11, 3, {64, 64}, 5, 10, 5},
    {"HopperIsFrozen", 11, 3, {64, 64}, 5, 10, 0},
    {"HopperHundred", 11, 3, {64, 96}, 3, 100, 1},
    {"HopperEnsemble", 11, 3, {70, 50}, 4, 17, 2, 3},
    {"HopperFar", 11, 3, {32, 32}, 15, 3, 1},
    {"Walker2d", 17, 6, {100, 300}, 5, 13, 1},
    {"Walker2dLayerNorm",
     17,
     6,
     {64, 33},
     4,
     15,
     2,
     1,
     DynamicsKind::kDiffusion,
     true},
    {"Ant", 27, 8, {512, 40}, 2, 29, 1},
    {"AntWithContacts", 111, 8, {64, 64}, 2, 7, 1},
    {"OneParticle", 11, 3, {256, 256}, 1, 1, 1},
    {"MeanFlow", 11, 3, {256, 256, 256}, 5, 37, 1, 1, DynamicsKind::kMeanFlow},
    {"MeanFlowEnsemble", 17, 6, {70, 50}, 3, 64, 3, 3, DynamicsKind::kMeanFlow},
    {"MeanFlowFar", 27, 8, {32, 48}, 15, 2, 1, 1, DynamicsKind::kMeanFlow},
    {"ActionStep",
     11,
     3,
     {256, 256, 256},
     5,
     10,
     1,
     1,
     DynamicsKind::kDiffusion,
     false,
     0.05f},
    {"ActionStepThrice",
     17,
     6,
     {64, 33},
     4,
     15,
     3,
     1,
     DynamicsKind::kDiffusion,
     true,
     0.1f},
};

struct Adapted {
  Decision decision;
  std::vector<float> psi;
};

class EngineParityTest
    : public testing::TestWithParam<std::tuple<Shape, fused::Variant>> {
 protected:
  EngineParityTest() : shape_(std::get<0>(GetParam())) {
    RandomBundleOptions options;
    options.observation_size = shape_.states;
    options.action_size = shape_.actions;
    options.policy = {shape_.widths, "relu", shape_.layer_norm};
    options.critic.hidden = options.reward.hidden = shape_.widths;
    options.dynamics.hidden = shape_.widths;
    options.kind = shape_.kind;
    options.members = shape_.members;
    bundle_ = std::make_shared<const Bundle>(RandomBundle(options));
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    for (int i = 0; i < shape_.states; ++i) {
      observation_.push_back(normal(random));
    }
  }

  Adapted Decide(const Engine& engine) {
    const auto parameters = engine.NewParameters();
    Problem problem;
    problem.observation = observation_;
    problem.parameters = parameters.get();
    problem.seed = 7696704851221;
    problem.decision = 3;
    problem.settings = bundle_->defaults();
    problem.settings.horizon = shape_.horizon;
    problem.settings.particles = shape_.particles;
    problem.settings.steps = shape_.steps;
    problem.settings.step_size = 1e-3f;
    problem.settings.action_step = shape_.action_step;
    problem.settings.max_gradient_norm = 0;
    problem.settings.sampler_steps = bundle_->sampler_limits().steps;
    problem.report_objective_after = true;
    engine.Adapt({&problem, 1});
    EXPECT_TRUE(problem.decision_or.ok()) << problem.decision_or.status();
    return {*problem.decision_or, parameters->Export()};
  }

  // |a - b| / |b - psi_0|: the error relative to the steps' change. For one
  // step it is the gradient's relative error.
  double ChangeError(const Adapted& a, const Adapted& b) {
    std::vector<float> psi_0;
    for (const std::string& name : bundle_->PolicyTensorNames()) {
      const std::vector<float>& values = bundle_->tensors().at(name).values;
      psi_0.insert(psi_0.end(), values.begin(), values.end());
    }
    double error = 0, change = 0;
    for (size_t i = 0; i < psi_0.size(); ++i) {
      error += std::pow(double{a.psi[i]} - b.psi[i], 2);
      change += std::pow(double{b.psi[i]} - psi_0[i], 2);
    }
    return change == 0 ? std::sqrt(error) : std::sqrt(error / change);
  }

  const Shape shape_;
  std::shared_ptr<const Bundle> bundle_;
  std::vector<float> observation_;
};

double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(double{a[i]} - b[i]));
  }
  return largest;
}

TEST_P(EngineParityTest, DecisionsAreTheAutogradEngines) {
  FusedEngine::Options options;
  options.variant = std::get<1>(GetParam());
  const auto fused = FusedEngine::Create(bundle_, options).value();
  AutogradEngine::Options in_double;
  in_double.double_precision = true;
  const Adapted exact =
      Decide(*AutogradEngine::Create(*bundle_, in_double).value());
  const Adapted autograd = Decide(*AutogradEngine::Create(*bundle_).value());
  const Adapted ours = Decide(*fused);

  // The bound is 1e-4, or ten times float32's own error. psi itself is rounded
  // to float32, which matters for a small step.
  const double float32 = ChangeError(autograd, exact);
  EXPECT_LE(ChangeError(ours, exact), std::max(1e-4, 10 * float32));
  EXPECT_LE(Distance(ours.decision.action, exact.decision.action),
            std::max(1e-5, 10 * Distance(autograd.decision.action,
                                         exact.decision.action)));
  const Report& report = ours.decision.report;
  const Report& expected = exact.decision.report;
  EXPECT_EQ(report.outcome, expected.outcome);
  EXPECT_EQ(report.steps_done, expected.steps_done);
  const double scale = 1 + std::abs(expected.objective_before);
  EXPECT_NEAR(report.objective_before, expected.objective_before, 1e-5 * scale);
  EXPECT_NEAR(report.objective_after.value(), expected.objective_after.value(),
              1e-5 * scale);
  EXPECT_NEAR(report.gradient_norm, expected.gradient_norm,
              1e-4 * expected.gradient_norm);
  EXPECT_NEAR(report.drift, expected.drift, 1e-4 * expected.drift);
  EXPECT_NEAR(report.action_change, expected.action_change, 1e-5);
}

INSTANTIATE_TEST_SUITE_P(
    All, EngineParityTest,
    testing::Combine(testing::ValuesIn(kShapes),
                     testing::ValuesIn(fused::SupportedVariants())),
    [](const auto& shape_and_variant) {
      return absl::StrCat(std::get<0>(shape_and_variant.param).name, "_",
                          VariantName(std::get<1>(shape_and_variant.param)));
    });

}  // namespace
}  // namespace foresight

// Compares the objective, its gradient and the three policies with loops in
// double (tests/support/reference_rollout.h). The gradient is compared along
// random directions v, with finite differences of the reference's objective:
// the root mean square of (g - g*) v is |g - g*|.
#include "server/adaptation/fused/fused_policies.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "models/bundle/random_bundle.h"
#include "server/adaptation/fused/variants.h"
#include "tests/support/reference_rollout.h"

namespace foresight::fused {
namespace {

using Psi = WorkingPolicies::Psi;

constexpr int kFirst[] = {0};

struct Case {
  std::string name;
  RandomBundleOptions bundle;
  int horizon = 3;
  int particles = 4;
  int sampler_steps = 2;  // For mean_flow.
  float noise_scale = 1;
};

// A shape with tails everywhere: nothing is a multiple of 16.
RandomBundleOptions Odd(int states, int actions, DynamicsKind kind) {
  RandomBundleOptions options;
  options.observation_size = states;
  options.action_size = actions;
  options.policy.hidden = {20, 33};
  options.critic.hidden = {17, 40};
  options.reward.hidden = {31};
  options.dynamics.hidden = {36, 19};
  options.kind = kind;
  return options;
}

std::vector<Case> Cases() {
  const DynamicsKind diffusion = DynamicsKind::kDiffusion;
  const DynamicsKind mean_flow = DynamicsKind::kMeanFlow;
  std::vector<Case> cases;
  const auto add = [&](std::string name, RandomBundleOptions bundle, int h,
                       int m) -> Case& {
    cases.push_back({std::move(name), std::move(bundle), h, m});
    return cases.back();
  };
  add("Hopper", Odd(11, 3, diffusion), 5, 10);
  add("HopperMeanFlow", Odd(11, 3, mean_flow), 5, 10);
  add("Walker", Odd(17, 6, diffusion), 3, 15);
  add("WalkerMeanFlow", Odd(17, 6, mean_flow), 2, 29);
  add("Ant", Odd(27, 8, diffusion), 2, 3);
  add("AntWithContacts", Odd(111, 8, mean_flow), 2, 7);
  add("OneOfEach", Odd(1, 1, diffusion), 1, 1);
  add("WholeTiles", Odd(16, 16, diffusion), 2, 16);
  add("ManyParticles", Odd(3, 2, mean_flow), 1, 100);
  add("SeveralGroups", Odd(3, 2, mean_flow), 15, 70);
  add("NoiseFree", Odd(11, 3, diffusion), 5, 1).noise_scale = 0;
  add("OneMeanFlowStep", Odd(5, 2, mean_flow), 4, 5).sampler_steps = 1;
  add("Ensemble", Odd(11, 3, diffusion), 3, 10).bundle.members = 3;
  add("EnsembleInGroups", Odd(3, 2, mean_flow), 15, 70).bundle.members = 3;
  add("EnsembleOfIdleMembers", Odd(3, 2, diffusion), 2, 2).bundle.members = 3;
  RandomBundleOptions& norms =
      add("LayerNormEverywhere", Odd(11, 3, diffusion), 3, 7).bundle;
  norms.policy.layer_norm = norms.reward.layer_norm = true;
  norms.dynamics.layer_norm = norms.critic.layer_norm = true;
  add("NoLayerNorm", Odd(11, 3, diffusion), 3, 7).bundle.critic.layer_norm =
      false;
  for (const std::string activation : {"relu", "silu", "tanh"}) {
    RandomBundleOptions& all =
        add(absl::StrCat("Only_", activation), Odd(6, 2, diffusion), 3, 5)
            .bundle;
    all.policy.activation = all.critic.activation = activation;
    all.reward.activation = all.dynamics.activation = activation;
  }
  RandomBundleOptions& deep = add("Deep", Odd(4, 2, diffusion), 2, 5).bundle;
  deep.policy.hidden = {8, 16, 24, 32, 40};
  deep.dynamics.hidden = {40, 8, 20, 8};
  RandomBundleOptions& shallow =
      add("Shallow", Odd(4, 2, diffusion), 2, 5).bundle;
  shallow.policy.hidden = {9};
  shallow.dynamics.hidden = {21};
  shallow.critic.hidden = {1};
  RandomBundleOptions& wide = add("Wide", Odd(11, 3, mean_flow), 2, 3).bundle;
  wide.policy.hidden = {512, 100};
  wide.dynamics.hidden = {260, 512};
  return cases;
}

class FusedPoliciesTest
    : public testing::TestWithParam<std::tuple<Case, Variant>> {
 protected:
  FusedPoliciesTest() {
    const Case& param = std::get<0>(GetParam());
    bundle_ = std::make_shared<const Bundle>(RandomBundle(param.bundle));
    model_ = std::make_shared<const Model>(
        bundle_, *SelectKernels(std::get<1>(GetParam())).value());
    reference_ = std::make_unique<ReferenceRollout>(*bundle_);
    policies_ = std::make_unique<FusedPolicies>(model_);
    parameters_ = std::make_unique<FusedParameters>(model_);
    std::normal_distribution<float> normal;
    for (int i = 0; i < param.bundle.observation_size; ++i) {
      observation_.push_back(normal(random_));
    }
    problem_.observation = observation_;
    problem_.parameters = parameters_.get();
    problem_.seed = 7696704851221;
    problem_.decision = 12;
    problem_.settings.horizon = param.horizon;
    problem_.settings.particles = param.particles;
    problem_.settings.sampler_steps = param.sampler_steps;
    problem_.settings.noise_scale = param.noise_scale;
    noise_ = {problem_.seed, problem_.decision, NoiseBank::kAdaptation,
              param.noise_scale};
    policies_->Begin(0, problem_);
  }

  double Objective(const std::vector<double>& psi) {
    return reference_->Objective(psi, observation_, problem_.settings, noise_);
  }

  WorkingPolicies::Evaluation Differentiate() {
    WorkingPolicies::Evaluation evaluation;
    Problem* const one = &problem_;
    const Clock clock = MonotonicNow;
    policies_->Differentiate(kFirst, StopSignals({&one, 1}, clock),
                             {&evaluation, 1});
    return evaluation;
  }

  // A direction that is Gaussian in psi's components first..last - 1 and zero
  // elsewhere.
  std::vector<double> Direction(size_t first, size_t last) {
    std::normal_distribution<double> normal;
    std::vector<double> direction(reference_->psi_0().size());
    for (size_t i = first; i < last; ++i) direction[i] = normal(random_);
    return direction;
  }

  std::shared_ptr<const Bundle> bundle_;
  std::shared_ptr<const Model> model_;
  std::unique_ptr<ReferenceRollout> reference_;
  std::unique_ptr<FusedPolicies> policies_;
  std::unique_ptr<FusedParameters> parameters_;
  std::vector<float> observation_;
  std::mt19937_64 random_{5};
  Problem problem_;
  DecisionNoise noise_;
};

TEST_P(FusedPoliciesTest, ObjectiveAndGradientAreTheReferences) {
  const WorkingPolicies::Evaluation evaluation = Differentiate();
  ASSERT_TRUE(evaluation.complete);
  const std::vector<double>& psi = reference_->psi_0();
  const double objective = Objective(psi);
  // A sum of up to some hundred rewards of order 1 in float32.
  EXPECT_NEAR(evaluation.objective, objective,
              2e-6 * (1 + std::abs(objective)) * problem_.settings.horizon);
  const std::vector<float> gradient = policies_->ExportGradient(0);
  double square = 0;
  for (const float g : gradient) square += double{g} * g;
  EXPECT_NEAR(evaluation.gradient_norm, std::sqrt(square),
              1e-6 * std::sqrt(square));
  // Each tensor of psi is compared by itself, since small ones would vanish in
  // the norm of all.
  const std::vector<size_t>& offsets = reference_->tensor_offsets();
  for (size_t t = 0; t + 1 < offsets.size(); ++t) {
    double norm = 0, error = 0;
    const int directions = 3;
    for (int i = 0; i < directions; ++i) {
      const std::vector<double> v = Direction(offsets[t], offsets[t + 1]);
      const double expected =
          reference_->Slope(psi, v, observation_, problem_.settings, noise_);
      double actual = 0;
      for (size_t j = offsets[t]; j < offsets[t + 1]; ++j) {
        actual += gradient[j] * v[j];
      }
      error += std::pow(actual - expected, 2) / directions;
    }
    for (size_t j = offsets[t]; j < offsets[t + 1]; ++j) {
      norm += double{gradient[j]} * gradient[j];
    }
    // float32 is exact to 1e-5 at these sizes; a kink may lie between the two.
    EXPECT_LE(std::sqrt(error), 1e-4 * std::sqrt(norm) + 1e-7)
        << "tensor " << t << " of " << offsets.size() - 1;
  }
}

TEST_P(FusedPoliciesTest, ActionsAreTheReferences) {
  std::vector<float> actions(bundle_->action_size());
  policies_->Act(kFirst, Psi::kWorking, absl::MakeSpan(actions));
  const std::vector<double> expected = reference_->Act(
      reference_->psi_0(),
      std::vector<double>(observation_.begin(), observation_.end()));
  for (size_t i = 0; i < actions.size(); ++i) {
    EXPECT_NEAR(actions[i], expected[i], 2e-6);  // float32 through a network.
  }
}

TEST_P(FusedPoliciesTest, EvaluateUsesTheBankAndThePolicyAskedFor) {
  ASSERT_TRUE(Differentiate().complete);
  const std::vector<float> gradient = policies_->ExportGradient(0);
  const double scale[] = {0.01};
  policies_->Ascend(kFirst, scale);
  std::vector<double> moved = reference_->psi_0();
  for (size_t i = 0; i < moved.size(); ++i) moved[i] += 0.01 * gradient[i];
  noise_.bank = NoiseBank::kAcceptance;
  Problem* const one = &problem_;
  const Clock clock = MonotonicNow;
  for (const Psi psi : {Psi::kStart, Psi::kWorking}) {
    WorkingPolicies::Evaluation evaluation;
    policies_->Evaluate(kFirst, psi, NoiseBank::kAcceptance,
                        StopSignals({&one, 1}, clock), {&evaluation, 1});
    ASSERT_TRUE(evaluation.complete);
    const double expected =
        Objective(psi == Psi::kStart ? reference_->psi_0() : moved);
    EXPECT_NEAR(evaluation.objective, expected,
                2e-6 * (1 + std::abs(expected)) * problem_.settings.horizon);
  }
}

std::string Name(
    const testing::TestParamInfo<FusedPoliciesTest::ParamType>& info) {
  return absl::StrCat(std::get<0>(info.param).name, "_",
                      VariantName(std::get<1>(info.param)));
}

INSTANTIATE_TEST_SUITE_P(
    All, FusedPoliciesTest,
    testing::Combine(testing::ValuesIn(Cases()),
                     testing::ValuesIn(SupportedVariants())),
    Name);

}  // namespace
}  // namespace foresight::fused

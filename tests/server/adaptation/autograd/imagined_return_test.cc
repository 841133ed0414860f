#include "server/adaptation/autograd/imagined_return.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <string>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "server/adaptation/autograd/imagined_noise.h"
#include "tests/support/forward_oracle.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::Pointwise;

struct Case {
  std::string name;
  RandomBundleOptions bundle;
  int horizon;
  int particles;
  int sampler_steps = 1;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

std::vector<Case> Cases() {
  std::vector<Case> cases;
  RandomBundleOptions base;
  base.policy.hidden = {6, 5};
  cases.push_back({"Diffusion", base, 4, 7});
  cases.push_back({"OneTransition", base, 1, 7});
  RandomBundleOptions members = base;
  members.members = 3;
  members.policy = {{5}, "silu", true};
  cases.push_back({"Members", members, 3, 7});
  RandomBundleOptions flow = base;
  flow.kind = DynamicsKind::kMeanFlow;
  flow.policy.activation = "tanh";
  cases.push_back({"MeanFlow", flow, 4, 6, 1});
  flow.members = 2;
  flow.dynamics.layer_norm = true;
  cases.push_back({"MeanFlowOfFourSteps", flow, 3, 5, 4});
  return cases;
}

// Two problems that start from different states and policies, in double.
class ImaginedReturnTest : public ::testing::TestWithParam<Case> {
 protected:
  ImaginedReturnTest()
      : bundle_(RandomBundle(GetParam().bundle)), model_(bundle_, Double()) {
    at::set_num_threads(1);  // Two would only wait for each other.
    for (int p = 0; p < 2; ++p) {
      problems_[p].seed = 100 + p;
      problems_[p].decision = 7;
      problems_[p].settings.horizon = GetParam().horizon;
      problems_[p].settings.particles = GetParam().particles;
      problems_[p].settings.sampler_steps = GetParam().sampler_steps;
      OracleCase& c = cases_[p];
      c.psi = Values(model_.pretrained() * (1 + 0.5 * p));
      c.state = p == 0 ? std::vector<double>{0.3, -1, 0.5}
                       : std::vector<double>{-1, 0.2, 0.1};
      c.horizon = GetParam().horizon;
      c.particles = GetParam().particles;
      c.sampler_steps = GetParam().sampler_steps;
      c.discount = 0.9;
      c.noise = {problems_[p].seed, problems_[p].decision};
    }
  }

  // J of the problems `which` with psi [P', N].
  at::Tensor Returns(const std::vector<int>& which, const at::Tensor& psi) {
    std::vector<const Problem*> problems;
    for (const int p : which) problems.push_back(&problems_[p]);
    const SamplerNoise noise = DrawNoise(
        model_, problems, NoiseBank::kAdaptation, {0, GetParam().particles});
    RolloutInputs rollouts;
    std::vector<std::vector<double>> states;
    for (const int p : which) states.push_back(cases_[p].state);
    rollouts.observations = FromRows(states);
    rollouts.sampler = &model_.sampler(GetParam().sampler_steps);
    rollouts.noise = &noise;
    rollouts.particles = GetParam().particles;
    rollouts.horizon = GetParam().horizon;
    rollouts.discount = 0.9;
    return ImaginedReturn(model_, model_.Policy(model_.Split(psi)), rollouts,
                          [](const at::Tensor&) {}) /
           GetParam().particles;
  }

  at::Tensor Psi(const std::vector<int>& which) const {
    std::vector<std::vector<double>> rows;
    for (const int p : which) rows.push_back(cases_[p].psi);
    return FromRows(rows).set_requires_grad(true);
  }

  const Bundle bundle_;
  const WorldModel model_;
  Problem problems_[2];
  OracleCase cases_[2];
};

// Doubles of order 1 to 100 through hundreds of operations.
const double kRounding = 1e-9;

TEST_P(ImaginedReturnTest, EqualsTheForwardRecursion) {
  const std::vector<int> both = {0, 1};
  const at::Tensor psi = Psi(both);
  const at::Tensor returns = Returns(both, psi);
  const at::Tensor gradient = torch::autograd::grad({returns.sum()}, {psi})[0];
  for (const int p : both) {
    const OracleResult oracle = ForwardOracle(bundle_, cases_[p]);
    EXPECT_NEAR(returns[p].item<double>(), oracle.objective, kRounding);
    EXPECT_THAT(Values(gradient[p]),
                Pointwise(DoubleNear(kRounding), oracle.gradient));
  }
}

TEST_P(ImaginedReturnTest, EachProblemHasTheResultItHasAlone) {
  const at::Tensor psi = Psi({0, 1});
  const at::Tensor together = Returns({0, 1}, psi);
  const at::Tensor gradient = torch::autograd::grad({together.sum()}, {psi})[0];
  for (const int p : {0, 1}) {
    const at::Tensor own = Psi({p});
    const at::Tensor alone = Returns({p}, own);
    EXPECT_NEAR(together[p].item<double>(), alone.item<double>(), kRounding);
    EXPECT_THAT(
        Values(gradient[p]),
        Pointwise(DoubleNear(kRounding),
                  Values(torch::autograd::grad({alone.sum()}, {own})[0])));
  }
}

// The step is small enough to avoid kinks of ReLU and large enough for the
// differences to have 6 digits.
TEST_P(ImaginedReturnTest, GradientEqualsCentralDifferences) {
  const at::Tensor psi = Psi({0});
  const at::Tensor gradient =
      torch::autograd::grad({Returns({0}, psi).sum()}, {psi})[0];
  const double step = 1e-6;
  for (int64_t i = 0; i < psi.size(1); ++i) {
    at::Tensor up = psi.detach().clone(), down = psi.detach().clone();
    up[0][i] += step;
    down[0][i] -= step;
    const double slope =
        (Returns({0}, up) - Returns({0}, down)).item<double>() / (2 * step);
    EXPECT_NEAR(gradient[0][i].item<double>(), slope, 1e-6) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(All, ImaginedReturnTest, ::testing::ValuesIn(Cases()),
                         [](const auto& c) { return c.param.name; });

// Otherwise the tests above could not tell each particle's minimum from the
// minimum of the means.
TEST(ImaginedReturn, ParticlesOfTheTestsDifferInTheirSmallerCritic) {
  bool differ = false;
  for (const Case& c : Cases()) {
    const Bundle bundle = RandomBundle(c.bundle);
    OracleCase oracle;
    oracle.psi = PlainParameters<double>(bundle.policy());
    oracle.state = {0.3, -1, 0.5};
    oracle.horizon = c.horizon;
    oracle.particles = c.particles;
    oracle.sampler_steps = c.sampler_steps;
    oracle.noise = {100, 7};
    const OracleResult result = ForwardOracle(bundle, oracle);
    differ |= result.minimal_critic[0] > 0 && result.minimal_critic[1] > 0;
  }
  EXPECT_TRUE(differ);
}

TEST(ImaginedReturn, ShowsEachImaginedStateAsItIsMade) {
  const Bundle bundle = RandomBundle();
  const WorldModel model(bundle, Double());
  Problem problem;
  problem.settings.horizon = 3;
  problem.settings.particles = 2;
  const Problem* const problems[] = {&problem};
  const SamplerNoise noise =
      DrawNoise(model, problems, NoiseBank::kAdaptation, {0, 2});
  RolloutInputs rollouts;
  rollouts.observations = FromRows({{0.3, -1, 0.5}});
  rollouts.sampler = &model.sampler(1);
  rollouts.noise = &noise;
  rollouts.particles = 2;
  rollouts.horizon = 3;
  int calls = 0;
  struct Enough {};
  const auto between = [&](const at::Tensor& s) {
    EXPECT_EQ(s.sizes(), at::IntArrayRef({2, 3}));
    if (++calls == 2) throw Enough();
  };
  const PolicyNetwork policy =
      model.Policy(model.Split(model.pretrained().unsqueeze(0)));
  EXPECT_THROW(ImaginedReturn(model, policy, rollouts, between), Enough);
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace foresight

#include "models/networks/policy.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/bundle/random_bundle.h"
#include "tests/support/plain_networks.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Pointwise;

const double kRounding = 1e-13;  // Doubles of order 1, summed in another order.

// pi(s) = tanh(2 relu(3 s' - 1) + 0.5) with s' = (s - 1) / 2.
TEST(PolicyNetwork, IsTheHandComputedOneOfOneUnit) {
  PolicyNetwork policy;
  policy.input = {at::tensor({1.0}, Double()), at::tensor({2.0}, Double())};
  policy.mlp.layers = {{FromRows({{3}}), at::tensor({-1.0}, Double()), {}, {}},
                       {FromRows({{2}}), at::tensor({0.5}, Double()), {}, {}}};
  EXPECT_THAT(Values(policy.Act(FromRows({{1.7}, {1.0}}))),
              ElementsAre(DoubleNear(std::tanh(0.6), kRounding),
                          DoubleNear(std::tanh(0.5), kRounding)));
}

class PolicyNetworkTest : public ::testing::TestWithParam<RandomNetwork> {
 protected:
  PolicyNetworkTest() : bundle_(RandomBundle(Options())) {}
  static RandomBundleOptions Options() {
    RandomBundleOptions options;
    options.policy = GetParam();
    return options;
  }
  const Bundle bundle_;
};

TEST_P(PolicyNetworkTest, EqualsPlainLoopsInDouble) {
  const PolicyNetwork policy = PolicyNetwork::FromBundle(bundle_, Double());
  const std::vector<double> psi = PlainParameters<double>(bundle_.policy());
  for (const std::vector<double>& s :
       {std::vector<double>{0.3, -1, 2}, std::vector<double>{-0.5, 0, 1}}) {
    EXPECT_THAT(Values(policy.Act(FromRows({s}))),
                Pointwise(DoubleNear(kRounding), PlainPolicy(bundle_, psi, s)));
  }
}

TEST_P(PolicyNetworkTest, PoliciesSideBySideEqualEachAlone) {
  const PolicyNetwork first = PolicyNetwork::FromBundle(bundle_, Double());
  std::vector<at::Tensor> psi, both;
  for (const at::Tensor& tensor : first.mlp.Parameters()) {
    psi.push_back(tensor * 0.5 + 0.1);
    both.push_back(at::stack({tensor, psi.back()}));
  }
  const PolicyNetwork second = first.WithParameters(psi);
  const at::Tensor s = at::randn({2, 4, 3}, Double());
  const at::Tensor a = first.WithParameters(both).Act(s);
  EXPECT_THAT(Values(a[0]),
              Pointwise(DoubleNear(kRounding), Values(first.Act(s[0]))));
  EXPECT_THAT(Values(a[1]),
              Pointwise(DoubleNear(kRounding), Values(second.Act(s[1]))));
}

INSTANTIATE_TEST_SUITE_P(Shapes, PolicyNetworkTest,
                         ::testing::Values(RandomNetwork{{8, 8}, "relu", false},
                                           RandomNetwork{{5}, "silu", true},
                                           RandomNetwork{
                                               {4, 7, 3}, "tanh", true}));

}  // namespace
}  // namespace foresight

#include "models/networks/mlp.h"

#include <ATen/TensorOperators.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "models/bundle/random_bundle.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

// Hidden units relu(x) and relu(2 x), normalised with epsilon 0.25, then their
// difference. At x = 1: mean 1.5, variance 0.25, so +-0.5 / sqrt(0.5).
TEST(Mlp, NormalisesAfterTheActivation) {
  Mlp mlp;
  mlp.layer_norm = true;
  mlp.layer_norm_epsilon = 0.25;
  mlp.layers = {
      {FromRows({{1}, {2}}), at::tensor({0.0, 0.0}, Double()),
       at::tensor({3.0, 1.0}, Double()), at::tensor({0.0, 5.0}, Double())},
      {FromRows({{-1, 1}}), at::tensor({0.0}, Double()), {}, {}}};
  const double unit = 0.5 / std::sqrt(0.5);
  EXPECT_THAT(Values(mlp.Forward(FromRows({{1}, {-1}}))),
              ElementsAre(DoubleNear(unit + 5 + 3 * unit, 1e-14), 5));
}

TEST(Mlp, ParametersAreInTheBundlesOrder) {
  RandomBundleOptions options;
  options.policy.layer_norm = true;
  const Bundle bundle = RandomBundle(options);
  const std::vector<at::Tensor> parameters =
      Mlp::FromNetwork(bundle.policy(), Double()).Parameters();
  const std::vector<std::string> names = bundle.PolicyTensorNames();
  ASSERT_EQ(parameters.size(), names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const Tensor& tensor = bundle.tensors().at(names[i]);
    EXPECT_EQ(parameters[i].sizes().vec(), tensor.shape) << names[i];
    EXPECT_THAT(Values(parameters[i]), ElementsAreArray(tensor.values));
  }
}

TEST(Mlp, WithParametersTakesThemInTheSameOrder) {
  RandomBundleOptions options;
  options.policy.layer_norm = true;
  const Mlp mlp = Mlp::FromNetwork(RandomBundle(options).policy(), Double());
  std::vector<at::Tensor> others;
  for (const at::Tensor& tensor : mlp.Parameters())
    others.push_back(tensor * 2);
  const std::vector<at::Tensor> taken = mlp.WithParameters(others).Parameters();
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_TRUE(taken[i].is_same(others[i]));
  }
}

}  // namespace
}  // namespace foresight

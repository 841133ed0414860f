#include "models/training/policy_distance.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "models/bundle/bundle.h"
#include "models/networks/policy.h"
#include "models/training/data_source.h"
#include "models/training/fit.h"
#include "models/training/part_run.h"
#include "models/training/trainer.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

const at::TensorOptions kFloats(at::kFloat);

void ExpectDistancesOfThePolicyThatShips(ShippedWeights ship) {
  const TemporaryFolder folder;
  const std::filesystem::path data = folder.path() / "small.hdf5";
  Recipe recipe = *ParseRecipe(SmallRecipe(20), "small");
  recipe.policy.ship = ship;
  WriteSmallWorld(data, 30, 3);
  std::ostringstream out;
  FitOptions options;
  options.data = data;
  options.work = folder.path();
  options.bundle = folder.path() / "bundle";
  options.out = &out;
  ASSERT_TRUE(Fit(recipe, options).ok()) << out.str();
  const DataSource source = *ReadDataSource(recipe, data);
  const Transitions rows =
      DynamicsTransitions(source.dataset, source.split.training);
  const auto finished =
      FinishedPolicy(recipe, source.sha256, folder.path(), kFloats);
  ASSERT_TRUE(finished.ok()) << finished.status();
  const at::Tensor distances =
      SquaredPolicyDistances(*finished, rows, recipe, kFloats);

  const at::NoGradGuard no_grad;
  const PolicyNetwork policy =
      PolicyNetwork::FromBundle(*Bundle::Load(options.bundle), kFloats);
  const at::Tensor own = policy.Act(RowsToTensor(rows.states, 2, kFloats));
  const at::Tensor expected =
      (RowsToTensor(rows.actions, 1, kFloats) - own).square().sum(-1);
  EXPECT_TRUE(at::allclose(distances, expected, 1e-4, 1e-6));
  EXPECT_GT(expected.max().item<double>(), 0.1);

  std::filesystem::remove(CheckpointPath(folder.path(), "policy"));
  EXPECT_EQ(FinishedPolicy(recipe, source.sha256, folder.path(), kFloats)
                .status()
                .code(),
            absl::StatusCode::kNotFound);
}

TEST(SquaredPolicyDistances, AreThoseOfTheAverage) {
  ExpectDistancesOfThePolicyThatShips(ShippedWeights::kAverage);
}

TEST(SquaredPolicyDistances, AreThoseOfTheLastWeightsIfTheyShip) {
  ExpectDistancesOfThePolicyThatShips(ShippedWeights::kLast);
}

}  // namespace
}  // namespace foresight

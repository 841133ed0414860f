#include "models/training/assembly.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "models/training/fit.h"
#include "models/training/part_run.h"
#include "models/training/tensor_file.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AssemblyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    recipe_ = *ParseRecipe(SmallRecipe(20), "small");
    WriteSmallWorld(data(), 30, 3);
    FitOptions options;
    options.data = data();
    options.work = work();
    options.bundle = work() / "bundle";
    options.out = &out_;
    const absl::Status fitted = Fit(recipe_, options);
    ASSERT_TRUE(fitted.ok()) << fitted;
    source_ = *ReadDataSource(recipe_, data());
  }
  std::filesystem::path data() const { return folder_.path() / "small.hdf5"; }
  std::filesystem::path work() const { return folder_.path() / "work"; }
  absl::StatusOr<Bundle> Assemble() const {
    return AssembleBundle(recipe_, source_, work(), TakenParts(), "trainer 1",
                          absl::FromUnixSeconds(0));
  }
  TemporaryFolder folder_;
  std::ostringstream out_;
  Recipe recipe_;
  DataSource source_;
};

TEST_F(AssemblyTest, ShipsTheAveragedWeights) {
  const auto bundle = Assemble();
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const TensorFile policy = *LoadTensorFile(CheckpointPath(work(), "policy"));
  const at::Tensor average =
      policy.tensors.at("average.policy.layers.1.weight");
  const at::Tensor live = policy.tensors.at("policy.layers.1.weight");
  const Tensor& shipped = bundle->tensors().at("policy.layers.1.weight");
  int differing = 0;
  for (int64_t i = 0; i < average.numel(); ++i) {
    EXPECT_EQ(shipped.values[i], average.const_data_ptr<float>()[i]);
    differing += shipped.values[i] != live.const_data_ptr<float>()[i];
  }
  EXPECT_GT(differing, average.numel() / 2);
}

TEST_F(AssemblyTest, ShipsTheLastWeightsOfPolicyAndCriticsIfAsked) {
  recipe_.policy.ship = ShippedWeights::kLast;
  const auto bundle = Assemble();
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto equals = [&](const std::string& part, const std::string& live,
                          const std::string& name) {
    const TensorFile file = *LoadTensorFile(CheckpointPath(work(), part));
    const at::Tensor expected = file.tensors.at(live);
    const std::vector<float>& shipped = bundle->tensors().at(name).values;
    return std::equal(shipped.begin(), shipped.end(),
                      expected.const_data_ptr<float>());
  };
  for (const std::string name :
       {"policy.layers.0.weight", "policy.layers.1.bias",
        "critic.0.layers.0.weight", "critic.1.layers.1.weight"}) {
    EXPECT_TRUE(equals("policy", name, name)) << name;
    EXPECT_FALSE(equals("policy", "average." + name, name)) << name;
  }
  EXPECT_TRUE(equals("reward", "average.reward.layers.0.weight",
                     "reward.layers.0.weight"));
  EXPECT_EQ(bundle->tensors().count("target.policy.layers.0.weight"), 0u);
}

TEST_F(AssemblyTest, DescribesItself) {
  const auto bundle = Assemble();
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const v1::Bundle& manifest = bundle->manifest();
  EXPECT_EQ(manifest.name(), "small");
  EXPECT_EQ(manifest.discount(), 0.9f);
  EXPECT_THAT(manifest.critic().hidden(), ElementsAre(16, 16));
  EXPECT_TRUE(manifest.critic().layer_norm());
  EXPECT_EQ(manifest.dynamics().betas_size(), 3);
  EXPECT_EQ(bundle->defaults().step_size, 3e-5f);
  EXPECT_EQ(bundle->defaults().sampler_steps, 3);
  const v1::Provenance& provenance = manifest.provenance();
  EXPECT_EQ(provenance.environment(), "Small-v0");
  EXPECT_EQ(provenance.created(), "1970-01-01T00:00:00Z");
  EXPECT_EQ(provenance.trainer(), "trainer 1");
  EXPECT_EQ(provenance.data(),
            "small.hdf5, 600 rows, sha256 " + source_.sha256);
  EXPECT_EQ(provenance.training_steps().at("dynamics"), 20u);
}

TEST_F(AssemblyTest, DescribesMeanFlow) {
  recipe_ = *ParseRecipe(SmallMeanFlowRecipe(20), "small");
  FitOptions options;
  options.data = data();
  options.work = work();
  options.bundle = work() / "bundle";
  options.out = &out_;
  std::filesystem::remove(CheckpointPath(work(), "dynamics"));
  ASSERT_TRUE(Fit(recipe_, options).ok()) << out_.str();
  const auto bundle = Assemble();
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->dynamics_kind(), DynamicsKind::kMeanFlow);
  EXPECT_EQ(bundle->manifest().dynamics().betas_size(), 0);
  EXPECT_EQ(bundle->manifest().dynamics().sampler_steps(), 1u);
  EXPECT_EQ(bundle->defaults().sampler_steps, 1);
}

TEST_F(AssemblyTest, RefusesPartsThatDoNotFit) {
  recipe_.reward.schedule.steps = 30;
  EXPECT_EQ(Assemble().status().code(), absl::StatusCode::kFailedPrecondition);
  recipe_.reward.schedule.steps = 20;
  source_.sha256 = "another";
  EXPECT_EQ(Assemble().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(AssemblyTest, RefusesAPartThatHasNotFinished) {
  const std::filesystem::path path = CheckpointPath(work(), "reward");
  TensorFile file = *LoadTensorFile(path);
  file.tensors.at("step").fill_(10);
  ASSERT_TRUE(SaveTensorFile(path, file).ok());
  const auto bundle = Assemble();
  EXPECT_EQ(bundle.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(bundle.status().message()),
              HasSubstr("has done 10 steps, expected 20"));
  std::filesystem::remove(path);
  EXPECT_EQ(Assemble().status().code(), absl::StatusCode::kNotFound);
}

TEST(Annotate, WritesOnlyTheMeasuredFigures) {
  const Bundle bundle = RandomBundle();
  const auto first = Annotate(bundle, {{"frozen_return", 1}, {"x", 2}});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Annotate(*first, {{"frozen_return", 5697.5}});
  ASSERT_TRUE(second.ok()) << second.status();
  const auto& measured = second->manifest().provenance().measured();
  EXPECT_EQ(measured.at("frozen_return"), 5697.5f);
  EXPECT_EQ(measured.at("x"), 2);
  v1::Bundle cleared = second->manifest();
  cleared.mutable_provenance()->clear_measured();
  v1::Bundle original = bundle.manifest();
  original.mutable_provenance()->clear_measured();
  EXPECT_EQ(cleared.SerializeAsString(), original.SerializeAsString());
}

TEST(Annotate, RefusesFiguresThatAreNotNumbers) {
  const Bundle bundle = RandomBundle();
  EXPECT_EQ(Annotate(bundle, {{"", 1}}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Annotate(bundle, {{"x", NAN}}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace foresight

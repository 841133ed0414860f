#include "models/training/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <utility>

#include "models/bundle/random_bundle.h"
#include "tests/support/small_world.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

const at::TensorOptions kFloats(at::kFloat);

// s' = s + (0.5 s_1 - a + 2, 0.1 s_0), s_2 is always 4.
Transitions LinearSystem(int rows) {
  std::mt19937_64 random(3);
  const auto uniform = [&] {
    return static_cast<float>(random() % 20001) / 10000 - 1;
  };
  Transitions transitions;
  for (int i = 0; i < rows; ++i) {
    const float s[3] = {100 * uniform(), uniform(), 4}, a = uniform();
    transitions.states.insert(transitions.states.end(), s, s + 3);
    transitions.actions.push_back(a);
    transitions.rewards.push_back(0);
    const float next[3] = {s[0] + 0.5f * s[1] - a + 2, s[1] + 0.1f * s[0], 4};
    transitions.next_states.insert(transitions.next_states.end(), next,
                                   next + 3);
  }
  return transitions;
}

TEST(LinearDynamics, FindsALinearSystem) {
  const Transitions training = LinearSystem(200);
  const LinearDynamics linear(training, 3, 1, kFloats);
  const at::Tensor next =
      linear.Next(RowsToTensor(training.states, 3, kFloats),
                  RowsToTensor(training.actions, 1, kFloats));
  // States reach 100, so the float32 data is itself off by 4e-6.
  EXPECT_TRUE(at::allclose(next, RowsToTensor(training.next_states, 3, kFloats),
                           1e-6, 2e-5));
}

class MeasureBundleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto recipe = ParseRecipe(SmallRecipe(10), "small");
    ASSERT_TRUE(recipe.ok()) << recipe.status();
    WriteSmallWorld(folder_.path() / "small.hdf5", 40, 3);
    auto source = ReadDataSource(*recipe, folder_.path() / "small.hdf5");
    ASSERT_TRUE(source.ok()) << source.status();
    source_ = *std::move(source);
  }
  TemporaryFolder folder_;
  DataSource source_;
};

// Dynamics that add (0, 0.25) and hardly any noise, and a reward of 0.5.
Bundle ConstantBundle() {
  RandomBundleOptions options;
  options.observation_size = 2;
  options.action_size = 1;
  const v1::Bundle manifest = RandomManifest(options);
  TensorMap tensors = RandomTensors(manifest, 1);
  tensors["dynamics.output.mean"].values = {0, 0.25f};
  tensors["dynamics.output.std"].values = {1e-6f, 1e-6f};
  const auto clear = [&](const std::string& name) {
    for (float& value : tensors.at(name).values) value = 0;
  };
  const std::string head =
      "reward.layers." + std::to_string(manifest.reward().hidden_size());
  clear(head + ".weight");
  clear(head + ".bias");
  tensors["reward.output.mean"].values = {0.5f};
  auto bundle = Bundle::Create(manifest, std::move(tensors));
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  return *std::move(bundle);
}

TEST_F(MeasureBundleTest, MeasuresAKnownModel) {
  const auto table = MeasureBundle(ConstantBundle(), source_, kFloats);
  ASSERT_TRUE(table.ok()) << table.status();
  ASSERT_EQ(table->states.size(), 3u);
  for (const ErrorTable::Row& row : table->states) {
    const RecordedRollouts rollouts =
        RecordRollouts(source_.dataset, source_.split.held_out,
                       static_cast<int>(row.steps), kRolloutCount, kFloats);
    const at::Tensor change = rollouts.ends - rollouts.states;
    const double stays = change.square().mean().sqrt().item<double>();
    EXPECT_NEAR(row.stays.rmse, stays, 1e-6);
    const at::Tensor off = change - row.steps * at::tensor({0.0f, 0.25f});
    // Allows a few times the sampler's noise of 1e-6.
    EXPECT_NEAR(row.model.rmse, off.square().mean().sqrt().item<double>(),
                1e-4);
    EXPECT_GT(row.model.standard_error, 0);
    EXPECT_LT(row.linear.rmse, row.stays.rmse);
  }
  double squares = 0;
  const Transitions rows =
      RewardTransitions(source_.dataset, source_.split.held_out);
  for (const float reward : rows.rewards) {
    squares += (reward - 0.5) * (reward - 0.5);
  }
  EXPECT_NEAR(table->reward.rmse,
              std::sqrt(squares / static_cast<double>(rows.size())), 1e-5);
  EXPECT_EQ(table->held_out_rows, 80);  // 4 of 40 episodes, 20 steps each.
}

TEST_F(MeasureBundleTest, UsesOnlyHeldOutEpisodes) {
  const auto before = MeasureBundle(ConstantBundle(), source_, kFloats);
  // Spoiling the training rows changes no error of the model.
  for (const Episode& episode : source_.split.training) {
    for (int64_t row = episode.begin; row < episode.end; ++row) {
      source_.dataset.rewards[row] += 100;
      source_.dataset.observations[2 * row] += static_cast<float>(row % 7);
    }
  }
  const auto after = MeasureBundle(ConstantBundle(), source_, kFloats);
  ASSERT_TRUE(before.ok() && after.ok());
  EXPECT_EQ(before->reward.rmse, after->reward.rmse);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(before->states[i].model.rmse, after->states[i].model.rmse);
    EXPECT_NE(before->states[i].linear.rmse, after->states[i].linear.rmse);
  }
}

TEST_F(MeasureBundleTest, RefusesDataOfAnotherSize) {
  const auto table = MeasureBundle(RandomBundle(), source_, kFloats);
  EXPECT_EQ(table.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(table.status().message()),
              HasSubstr("S = 2, A = 1, expected the bundle's S = 3, A = 2"));
}

TEST(FormatTable, ShowsEveryFigure) {
  ErrorTable table;
  table.states = {{1, {0.355, 0.01, 2.5}, {1.106, 0, 0}, {10.3, 0, 0}},
                  {10, {1.37, 0.02, 5.8}, {2.5, 0, 0}, {12, 0, 0}}};
  table.reward = {0.031, 0.001, 0.4};
  table.held_out_rows = 4000;
  const std::string text = FormatTable(table);
  for (const char* part :
       {"4000 rows", "state, 1 step ", "0.3550 +- 0.0100", "1.1060", "10.3000",
        "state, 10 steps", "5.8000", "0.0310 +- 0.0010"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(Summarise(table),
              ::testing::IsSupersetOf(Measurements{{"state_rmse_1", 0.355},
                                                   {"state_rmse_1_error", 0.01},
                                                   {"state_rmse_10_worst", 5.8},
                                                   {"linear_rmse_1", 1.106},
                                                   {"stays_rmse_10", 12},
                                                   {"reward_rmse", 0.031},
                                                   {"held_out_rows", 4000}}));
}

}  // namespace
}  // namespace foresight

#include "models/bundle/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "models/bundle/manifest.h"
#include "models/bundle/random_bundle.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::ElementsAre;

// Compares bits, not values: -0 is not 0.
void ExpectSameBits(const TensorMap& a, const TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_EQ(b.count(name), 1u) << name;
    const Tensor& other = b.at(name);
    ASSERT_EQ(tensor.shape, other.shape) << name;
    ASSERT_EQ(tensor.values.size(), other.values.size()) << name;
    EXPECT_EQ(std::memcmp(tensor.values.data(), other.values.data(),
                          tensor.values.size() * sizeof(float)),
              0)
        << name;
  }
}

RandomBundleOptions Deep() {
  RandomBundleOptions options;
  options.observation_size = 1;
  options.action_size = 5;
  options.policy = {{7, 1, 3, 9, 2}, "tanh", true};
  options.critic = {{4}, "silu", false};
  options.reward = {{3, 3, 3, 3}, "relu", true};
  options.dynamics = {std::vector<int>(16, 2), "tanh", true};
  options.members = 7;
  options.sampler_steps = 1;
  options.time_embedding = 2;
  return options;
}

RandomBundleOptions MeanFlow() {
  RandomBundleOptions options;
  options.observation_size = 33;
  options.kind = DynamicsKind::kMeanFlow;
  options.members = 2;
  options.sampler_steps = 4;
  options.time_embedding = 4;
  return options;
}

class AnyBundle : public ::testing::TestWithParam<RandomBundleOptions> {};

TEST_P(AnyBundle, LoadsAsTheBitsThatWereSaved) {
  const TemporaryFolder folder;
  const Bundle bundle = RandomBundle(GetParam());
  const std::filesystem::path path = folder.path() / "made" / "here";
  ASSERT_TRUE(bundle.Save(path).ok());
  const absl::StatusOr<Bundle> loaded = Bundle::Load(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->manifest().SerializeAsString(),
            bundle.manifest().SerializeAsString());
  ExpectSameBits(loaded->tensors(), bundle.tensors());
}

TEST_P(AnyBundle, ShowsEachNetworkInItsWidths) {
  const RandomBundleOptions& options = GetParam();
  const Bundle bundle = RandomBundle(options);
  const int S = options.observation_size;
  const int A = options.action_size;
  const auto expect = [](const Network& network, const RandomNetwork& widths,
                         int inputs, int outputs) {
    ASSERT_EQ(network.layers.size(), widths.hidden.size() + 1);
    EXPECT_EQ(network.layer_norm, widths.layer_norm);
    for (size_t i = 0; i < network.layers.size(); ++i) {
      const bool is_head = i == widths.hidden.size();
      const Layer& layer = network.layers[i];
      EXPECT_EQ(layer.inputs, i == 0 ? inputs : widths.hidden[i - 1]);
      EXPECT_EQ(layer.outputs, is_head ? outputs : widths.hidden[i]);
      const size_t out = layer.outputs;
      const size_t norm = is_head || !widths.layer_norm ? 0 : out;
      EXPECT_EQ(layer.weight.size(), out * layer.inputs);
      EXPECT_EQ(layer.bias.size(), out);
      EXPECT_EQ(layer.norm_weight.size(), norm);
      EXPECT_EQ(layer.norm_bias.size(), norm);
    }
  };
  expect(bundle.policy(), options.policy, S, A);
  expect(bundle.critic(0), options.critic, S + A, 1);
  expect(bundle.critic(1), options.critic, S + A, 1);
  expect(bundle.reward(), options.reward, S + A, 1);
  ASSERT_EQ(bundle.members(), options.members);
  for (int b = 0; b < options.members; ++b) {
    expect(bundle.dynamics(b), options.dynamics,
           S + S + A + options.time_embedding, S);
  }
}

std::string ShapeName(
    const ::testing::TestParamInfo<RandomBundleOptions>& shape) {
  static const char* const kNames[] = {"Small", "DeepNormed", "MeanFlow"};
  return kNames[shape.index];
}
INSTANTIATE_TEST_SUITE_P(Shapes, AnyBundle,
                         ::testing::Values(RandomBundleOptions(), Deep(),
                                           MeanFlow()),
                         ShapeName);

TEST(Bundle, ShowsEachTensorAtItsPlace) {
  RandomBundleOptions options;
  options.members = 2;
  const Bundle bundle = RandomBundle(options);
  const auto expect = [&](absl::Span<const float> view, const char* name) {
    EXPECT_EQ(view.data(), bundle.tensors().at(name).values.data()) << name;
    EXPECT_EQ(view.size(), bundle.tensors().at(name).values.size()) << name;
  };
  expect(bundle.policy().layers[1].weight, "policy.layers.1.weight");
  expect(bundle.policy().layers[2].bias, "policy.layers.2.bias");
  expect(bundle.policy_input().mean, "policy.input.mean");
  expect(bundle.policy_input().std, "policy.input.std");
  for (const int i : {0, 1}) {
    const std::string critic = "critic." + std::to_string(i);
    expect(bundle.critic(i).layers[0].weight,
           (critic + ".layers.0.weight").c_str());
    expect(bundle.critic(i).layers[1].norm_weight,
           (critic + ".norms.1.weight").c_str());
    expect(bundle.critic(i).layers[1].norm_bias,
           (critic + ".norms.1.bias").c_str());
    expect(bundle.critic_input(i).mean, (critic + ".input.mean").c_str());
    expect(bundle.critic_input(i).std, (critic + ".input.std").c_str());
  }
  expect(bundle.reward().layers[1].weight, "reward.layers.1.weight");
  expect(bundle.reward_input().mean, "reward.input.mean");
  expect(bundle.reward_input().std, "reward.input.std");
  expect(bundle.reward_output().mean, "reward.output.mean");
  expect(bundle.reward_output().std, "reward.output.std");
  expect(bundle.dynamics(0).layers[0].weight, "dynamics.0.layers.0.weight");
  expect(bundle.dynamics(1).layers[0].weight, "dynamics.1.layers.0.weight");
  expect(bundle.dynamics_input().mean, "dynamics.input.mean");
  expect(bundle.dynamics_input().std, "dynamics.input.std");
  expect(bundle.dynamics_output().mean, "dynamics.output.mean");
  expect(bundle.dynamics_output().std, "dynamics.output.std");
}

TEST(Bundle, KeepsItsViewsWhenMoved) {
  Bundle bundle = RandomBundle();
  const float* weight = bundle.policy().layers[0].weight.data();
  const float first = *weight;
  Bundle other = std::move(bundle);
  Bundle another = RandomBundle(MeanFlow());
  another = std::move(other);
  EXPECT_EQ(another.policy().layers[0].weight.data(), weight);
  EXPECT_EQ(another.tensors().at("policy.layers.0.weight").values.data(),
            weight);
  EXPECT_EQ(*weight, first);
}

TEST(Bundle, NamesThePolicysTensorsLayerByLayer) {
  RandomBundleOptions options;
  options.policy = {{4}, "relu", true};
  EXPECT_THAT(RandomBundle(options).PolicyTensorNames(),
              ElementsAre("policy.layers.0.weight", "policy.layers.0.bias",
                          "policy.norms.0.weight", "policy.norms.0.bias",
                          "policy.layers.1.weight", "policy.layers.1.bias"));
}

TEST(Bundle, TakesTheStepsOfDiffusionFromItsBetas) {
  RandomBundleOptions options;
  options.sampler_steps = 6;
  const Bundle bundle = RandomBundle(options);
  EXPECT_FALSE(bundle.manifest().defaults().has_sampler_steps());
  EXPECT_EQ(bundle.defaults().sampler_steps, 6);
  EXPECT_TRUE(bundle.sampler_limits().fixed);
  EXPECT_EQ(bundle.sampler_limits().steps, 6);
}

TEST(Bundle, LetsItsDefaultsDecideDiscountAndSteps) {
  v1::Bundle manifest = RandomManifest(MeanFlow());
  manifest.set_discount(0.9f);
  manifest.mutable_dynamics()->set_sampler_steps(7);
  manifest.mutable_defaults()->set_discount(0.5f);
  manifest.mutable_defaults()->set_sampler_steps(2);
  const auto bundle = Bundle::Create(manifest, RandomTensors(manifest, 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->defaults().discount, 0.5f);
  EXPECT_EQ(bundle->defaults().sampler_steps, 2);
  EXPECT_FALSE(bundle->sampler_limits().fixed);
  EXPECT_EQ(bundle->sampler_limits().steps, 2);
}

TEST(Bundle, LoadsTheReference) {
  const auto bundle =
      Bundle::Load(FORESIGHT_SOURCE_DIR "/tests/data/reference-halfcheetah");
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(bundle->observation_size(), 17);
  EXPECT_EQ(bundle->action_size(), 6);
  EXPECT_EQ(bundle->defaults().sampler_steps, 10);
  EXPECT_EQ(bundle->defaults().step_size, 3e-5f);
  EXPECT_EQ(bundle->policy().layers.size(), 4u);
  EXPECT_FLOAT_EQ(bundle->critic(0).layer_norm_epsilon, 1e-5f);
}

}  // namespace
}  // namespace foresight

#include "models/bundle/manifest.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "models/bundle/random_bundle.h"

namespace foresight {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;
using ::testing::Not;

v1::Bundle MeanFlowManifest() {
  RandomBundleOptions options;
  options.kind = DynamicsKind::kMeanFlow;
  return RandomManifest(options);
}

std::string Replaced(std::string text, const std::string& from,
                     const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(FormatManifest, IsReadBackBitByBit) {
  RandomBundleOptions options;
  options.sampler_steps = 1000;
  v1::Bundle manifest = RandomManifest(options);
  manifest.set_discount(std::nextafter(1.0f, 0.0f));
  manifest.mutable_defaults()->set_step_size(
      std::numeric_limits<float>::denorm_min());
  manifest.mutable_provenance()->set_data("a \"b\"\n\u00e4");
  (*manifest.mutable_provenance()->mutable_training_steps())["Critic"] = 1;
  (*manifest.mutable_provenance()->mutable_measured())["rmse 1"] = 1.0f / 3;
  const auto again = ParseManifest(FormatManifest(manifest));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(MessageDifferencer::Equals(*again, manifest));
}

TEST(FormatManifest, WritesEveryFieldByItsName) {
  const std::string text = FormatManifest(RandomManifest({}));
  for (const char* part :
       {"\"observation_size\": 3", "\"layer_norm\": false",
        "\"layer_norm_epsilon\": 0", "\"time_embedding\": 8",
        "\"mode\": \"PERSIST\"", "\"max_drift\": 0",
        "\"accept_only_improvement\": false", "\"noise_scale\": 1"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  const std::string defaults = text.substr(text.find("\"defaults\""));
  EXPECT_THAT(defaults, Not(HasSubstr("sampler_steps")));
}

struct RefusedText {
  std::string from, to;
  std::string message;  // A part of the message.
};

TEST(ParseManifest, RefusesUnknownFields) {
  const std::vector<RefusedText> cases = {
      {"\"version\"", "\"colour\": 3, \"version\"", "unknown field colour"},
      {"\"betas\"", "\"gammas\": [], \"betas\"",
       "unknown field dynamics.gammas"},
      {"\"hidden\"", "\"Hidden\": [], \"hidden\"",
       "unknown field policy.Hidden"},
      {"\"observation_size\"", "\"observationSize\"",
       "unknown field observationSize"},
      {"\"observation_size\": 3", "\"observation_size\": -3",
       "(observation_size): invalid value -3"},
      {"\"observation_size\": 3", "\"observation_size\": 3.5",
       "(observation_size): invalid value 3.5"},
      {"\"observation_size\": 3", "\"observation_size\": 4294967296",
       "(observation_size): invalid value 4294967296"},
      {"\"observation_size\": 3", "\"observation_size\": {}",
       "observation_size"},
      {"\"activation\": \"relu\"", "\"activation\": 3",
       "(policy.activation): invalid value 3"},
      {"\"layer_norm\": false", "\"layer_norm\": 3", "(policy.layer_norm)"},
      {"\"PERSIST\"", "\"ALWAYS\"", "(defaults.mode): invalid value"},
      {"\"version\"", "\"name\": \"b\", \"version\"", "name occurs twice"},
      {"\"discount\": 0.99", "\"discount\": NaN", "expected JSON"},
      {"foresight-bundle/1", "foresight-bundle/2",
       "format is \"foresight-bundle/2\", expected \"foresight-bundle/1\""},
  };
  const std::string text = FormatManifest(RandomManifest({}));
  ASSERT_TRUE(ParseManifest(text).ok());
  for (const RefusedText& wrong : cases) {
    const auto manifest = ParseManifest(Replaced(text, wrong.from, wrong.to));
    EXPECT_EQ(manifest.status().code(), absl::StatusCode::kInvalidArgument)
        << wrong.to;
    EXPECT_THAT(std::string(manifest.status().message()),
                HasSubstr(wrong.message));
  }
}

TEST(ParseManifest, SaysThatTheFormatIsAnotherBeforeItsFieldsAreUnknown) {
  const auto manifest =
      ParseManifest(R"({"colour": 3, "format": "foresight-bundle/9"})");
  EXPECT_THAT(std::string(manifest.status().message()),
              HasSubstr("format is \"foresight-bundle/9\""));
}

struct Refused {
  std::string message;  // A part of the message.
  std::function<void(v1::Bundle&)> change;
};

void ExpectRefused(const v1::Bundle& manifest,
                   const std::vector<Refused>& cases) {
  ASSERT_TRUE(CheckManifest(manifest).ok()) << CheckManifest(manifest);
  for (const Refused& wrong : cases) {
    v1::Bundle changed = manifest;
    wrong.change(changed);
    const absl::Status status = CheckManifest(changed);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
        << wrong.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(wrong.message));
  }
}

TEST(CheckManifest, RefusesWrongFields) {
  std::vector<Refused> cases = {
      {"format is \"\", expected \"foresight-bundle/1\"",
       [](auto& m) { m.clear_format(); }},
      {"observation_size is 0, expected 1..65536",
       [](auto& m) { m.set_observation_size(0); }},
      {"observation_size is 65537, expected 1..65536",
       [](auto& m) { m.set_observation_size(65537); }},
      {"action_size is 0, expected 1..65536",
       [](auto& m) { m.set_action_size(0); }},
      {"action_size is 4294967295, expected 1..65536",
       [](auto& m) { m.set_action_size(4294967295u); }},
      {"discount is 0, expected a number in (0, 1]",
       [](auto& m) { m.clear_discount(); }},
      {"discount is nan, expected a number in (0, 1]",
       [](auto& m) { m.set_discount(std::nanf("")); }},
      {"discount is 1.01, expected a number in (0, 1]",
       [](auto& m) { m.set_discount(1.01f); }},
      {"defaults.particles is unset, expected 1..65536",
       [](auto& m) { m.mutable_defaults()->clear_particles(); }},
      {"defaults.horizon is 65, expected 1..64",
       [](auto& m) { m.mutable_defaults()->set_horizon(65); }},
      {"defaults.sampler_steps is 3, expected it unset",
       [](auto& m) { m.mutable_defaults()->set_sampler_steps(3); }},
  };
  for (const char* name : {"", "-a", ".a", "_a", "A", "a b", "a/b", "\u00e4"}) {
    cases.push_back({"name is \"", [=](auto& m) { m.set_name(name); }});
  }
  ExpectRefused(RandomManifest({}), cases);
}

TEST(CheckManifest, TakesEveryNameOfTheRule) {
  v1::Bundle manifest = RandomManifest({});
  for (const char* name : {"a", "0", "half-cheetah_v4.2", "z-", "9._-"}) {
    manifest.set_name(name);
    EXPECT_TRUE(CheckManifest(manifest).ok()) << name;
  }
}

TEST(CheckManifest, RefusesWrongNetworks) {
  using Find = std::function<v1::Network*(v1::Bundle&)>;
  const std::vector<std::pair<std::string, Find>> networks = {
      {"policy", [](auto& m) { return m.mutable_policy(); }},
      {"critic", [](auto& m) { return m.mutable_critic(); }},
      {"reward", [](auto& m) { return m.mutable_reward(); }},
      {"dynamics.network",
       [](auto& m) { return m.mutable_dynamics()->mutable_network(); }},
  };
  for (const auto& [name, network] : networks) {
    const Find& find = network;
    ExpectRefused(
        RandomManifest({}),
        {{name + ".hidden has 0 layers, expected 1..16",
          [&](auto& m) { find(m)->clear_hidden(); }},
         {name + ".hidden has 17 layers, expected 1..16",
          [&](auto& m) { find(m)->mutable_hidden()->Resize(17, 3); }},
         {name + ".hidden[0] is 0, expected 1..4096",
          [&](auto& m) { find(m)->set_hidden(0, 0); }},
         {name + ".hidden[0] is 4097, expected 1..4096",
          [&](auto& m) { find(m)->set_hidden(0, 4097); }},
         {name + ".activation is \"gelu\", expected \"relu\", \"silu\" or",
          [&](auto& m) { find(m)->set_activation("gelu"); }},
         {name + ".layer_norm_epsilon is 0, expected a finite number > 0",
          [&](auto& m) {
            find(m)->set_layer_norm(true);
            find(m)->set_layer_norm_epsilon(0);
          }},
         {name + ".layer_norm_epsilon is nan, expected a finite number > 0",
          [&](auto& m) {
            find(m)->set_layer_norm(true);
            find(m)->set_layer_norm_epsilon(std::nanf(""));
          }},
         {name + ".layer_norm_epsilon is -1, expected a finite number >= 0",
          [&](auto& m) {
            find(m)->set_layer_norm(false);
            find(m)->set_layer_norm_epsilon(-1);
          }}});
  }
}

TEST(CheckManifest, RefusesWrongDiffusion) {
  ExpectRefused(
      RandomManifest({}),
      {{"dynamics.kind is \"flow\", expected \"diffusion\" or \"mean_flow\"",
        [](auto& m) { m.mutable_dynamics()->set_kind("flow"); }},
       {"dynamics.members is 0, expected 1..64",
        [](auto& m) { m.mutable_dynamics()->set_members(0); }},
       {"dynamics.members is 65, expected 1..64",
        [](auto& m) { m.mutable_dynamics()->set_members(65); }},
       {"dynamics.time_embedding is 0, expected a multiple of 2",
        [](auto& m) { m.mutable_dynamics()->set_time_embedding(0); }},
       {"dynamics.time_embedding is 7, expected a multiple of 2",
        [](auto& m) { m.mutable_dynamics()->set_time_embedding(7); }},
       {"dynamics.time_embedding is 4098, expected a multiple of 2 in 2..4096",
        [](auto& m) { m.mutable_dynamics()->set_time_embedding(4098); }},
       {"dynamics.betas has 0 values, expected 1..32768",
        [](auto& m) { m.mutable_dynamics()->clear_betas(); }},
       {"dynamics.betas[1] is 0, expected a number in (0, 1)",
        [](auto& m) { m.mutable_dynamics()->set_betas(1, 0); }},
       {"dynamics.betas[1] is 1, expected a number in (0, 1)",
        [](auto& m) { m.mutable_dynamics()->set_betas(1, 1); }},
       {"dynamics.betas[2] is nan, expected a number in (0, 1)",
        [](auto& m) { m.mutable_dynamics()->set_betas(2, std::nanf("")); }},
       {"dynamics.sampler_steps is 3, expected it unset",
        [](auto& m) { m.mutable_dynamics()->set_sampler_steps(3); }}});
}

TEST(CheckManifest, RefusesWrongMeanFlow) {
  ExpectRefused(
      MeanFlowManifest(),
      {{"dynamics.time_embedding is 6, expected a multiple of 4",
        [](auto& m) { m.mutable_dynamics()->set_time_embedding(6); }},
       {"dynamics.betas has 1 values, expected none for mean_flow",
        [](auto& m) { m.mutable_dynamics()->add_betas(0.5f); }},
       {"dynamics.sampler_steps is 65, expected 1..64 or unset",
        [](auto& m) { m.mutable_dynamics()->set_sampler_steps(65); }},
       {"defaults.sampler_steps is unset, expected 1..64",
        [](auto& m) { m.mutable_defaults()->clear_sampler_steps(); }}});
}

TEST(CheckManifest, TakesTheLargestBundle) {
  v1::Bundle manifest = RandomManifest({});
  manifest.set_observation_size(65536);
  manifest.set_action_size(65536);
  manifest.set_discount(1);
  manifest.mutable_policy()->mutable_hidden()->Clear();
  manifest.mutable_policy()->mutable_hidden()->Resize(16, 4096);
  v1::Dynamics& dynamics = *manifest.mutable_dynamics();
  dynamics.set_members(64);
  dynamics.set_time_embedding(4096);
  dynamics.mutable_betas()->Resize(32768, std::nextafter(1.0f, 0.0f));
  EXPECT_TRUE(CheckManifest(manifest).ok()) << CheckManifest(manifest);
  EXPECT_LT(FormatManifest(manifest).size(), size_t{1} << 20);
}

}  // namespace
}  // namespace foresight

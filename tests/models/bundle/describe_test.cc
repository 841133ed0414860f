#include "models/bundle/describe.h"

#include <gtest/gtest.h>

#include <string>

#include "models/bundle/random_bundle.h"

namespace foresight {
namespace {

TEST(Describe, ShowsTheBundlesContent) {
  RandomBundleOptions options;
  options.kind = DynamicsKind::kMeanFlow;
  options.members = 2;
  options.critic = {{4}, "relu", true};
  v1::Bundle manifest = RandomManifest(options);
  manifest.mutable_defaults()->set_max_drift(0.5f);
  manifest.mutable_provenance()->set_environment("A\x1b[2J");
  auto& measured = *manifest.mutable_provenance()->mutable_measured();
  measured["state_rmse_1"] = 0.25f;
  measured["reward_rmse"] = 0.125f;
  const auto bundle = Bundle::Create(manifest, RandomTensors(manifest, 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_EQ(
      Describe(*bundle),
      "bundle      random, version \"1\"\n"
      "sizes       observation 3, action 2\n"
      "policy      3 -> 8 -> 8 -> 2, relu\n"
      "critics     2 x 5 -> 4 -> 1, relu, layer norm\n"
      "reward      5 -> 8 -> 1, silu\n"
      "dynamics    16 -> 8 -> 8 -> 3, silu\n"
      "sampler     mean_flow, 3 steps by default, 2 members, "
      "time embedding 8\n"
      "weights     777 values, SHA-256 " +
          bundle->manifest().weights_sha256() +
          "\n"
          "defaults    horizon 5, particles 10, steps 1, step size 3e-05, "
          "persist, discount 0.99, noise scale 1\n"
          "guards      gradient norm 100, drift 0.5\n"
          "environment A\\x1b[2J\n"
          "measured    reward_rmse 0.125, state_rmse_1 0.25\n");
}

TEST(Describe, SaysThatThereAreNoGuards) {
  v1::Bundle manifest = RandomManifest({});
  manifest.mutable_defaults()->set_max_gradient_norm(0);
  const auto bundle = Bundle::Create(manifest, RandomTensors(manifest, 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  EXPECT_NE(Describe(*bundle).find("guards      none\n"), std::string::npos);
}

}  // namespace
}  // namespace foresight

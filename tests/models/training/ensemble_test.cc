#include "models/training/ensemble.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "models/bundle/random_bundle.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

// A bundle with other weights for each seed, standardised as that of seed 1.
Bundle WithSeed(uint64_t seed, RandomBundleOptions options = {}) {
  options.seed = seed;
  options.name = "seed" + std::to_string(seed);
  v1::Bundle manifest = RandomManifest(options);
  TensorMap tensors = RandomTensors(manifest, seed);
  options.seed = 1;
  const Bundle first = RandomBundle(options);
  for (const auto& [name, tensor] : first.tensors()) {
    if (name.rfind("dynamics.input.", 0) == 0 ||
        name.rfind("dynamics.output.", 0) == 0) {
      tensors[name] = tensor;
    }
  }
  auto& measured = *manifest.mutable_provenance()->mutable_measured();
  measured["state_rmse_1"] = 0.5f;
  measured["adapted_return"] = 2;
  measured["frozen_return"] = 1;
  return Bundle::Create(std::move(manifest), std::move(tensors)).value();
}

TEST(MakeEnsemble, MembersAreTheBundlesDynamicsInOrder) {
  RandomBundleOptions two;
  two.members = 2;
  std::vector<Bundle> bundles;
  bundles.push_back(WithSeed(1));
  bundles.push_back(WithSeed(2, two));
  bundles.push_back(WithSeed(3));
  const auto ensemble = MakeEnsemble(bundles);
  ASSERT_TRUE(ensemble.ok()) << ensemble.status();
  EXPECT_EQ(ensemble->members(), 4);
  const auto weight = [](const Bundle& bundle, int member) {
    return bundle.tensors()
        .at("dynamics." + std::to_string(member) + ".layers.1.weight")
        .values;
  };
  EXPECT_EQ(weight(*ensemble, 0), weight(bundles[0], 0));
  EXPECT_EQ(weight(*ensemble, 1), weight(bundles[1], 0));
  EXPECT_EQ(weight(*ensemble, 2), weight(bundles[1], 1));
  EXPECT_EQ(weight(*ensemble, 3), weight(bundles[2], 0));
  for (const auto& [name, tensor] : bundles[0].tensors()) {
    EXPECT_EQ(ensemble->tensors().at(name).values, tensor.values) << name;
  }
}

TEST(MakeEnsemble, TheProvenanceNamesAllAndDropsWhatNoLongerHolds) {
  std::vector<Bundle> bundles;
  bundles.push_back(WithSeed(1));
  bundles.push_back(WithSeed(2));
  const auto ensemble = MakeEnsemble(bundles);
  ASSERT_TRUE(ensemble.ok()) << ensemble.status();
  const v1::Provenance& provenance = ensemble->manifest().provenance();
  EXPECT_THAT(provenance.trainer(),
              HasSubstr(", with dynamics also of seed2, weights sha256 " +
                        bundles[1].manifest().weights_sha256()));
  EXPECT_EQ(provenance.measured().count("state_rmse_1"), 0u);
  EXPECT_EQ(provenance.measured().count("adapted_return"), 0u);
  EXPECT_EQ(provenance.measured().at("frozen_return"), 1);
}

std::string Refusal(Bundle first, Bundle second) {
  std::vector<Bundle> bundles;
  bundles.push_back(std::move(first));
  bundles.push_back(std::move(second));
  const absl::Status status = MakeEnsemble(bundles).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return std::string(status.message());
}

TEST(MakeEnsemble, RefusesDynamicsThatDifferInMoreThanTheirWeights) {
  RandomBundleOptions wide;
  wide.dynamics.hidden = {8, 16};
  const std::string refusal = Refusal(WithSeed(1), WithSeed(2, wide));
  EXPECT_THAT(refusal, HasSubstr("seed2: its dynamics is "));
  EXPECT_THAT(refusal, HasSubstr("hidden 8 x 16, silu"));
  RandomBundleOptions longer;
  longer.sampler_steps = 4;
  EXPECT_THAT(Refusal(WithSeed(1), WithSeed(2, longer)),
              HasSubstr("4 steps, expected the first bundle's design"));
}

TEST(MakeEnsemble, RefusesOtherStandardisersAndASingleBundle) {
  RandomBundleOptions options;
  options.seed = 5;
  options.name = "other";
  EXPECT_THAT(Refusal(WithSeed(1), RandomBundle(options)),
              HasSubstr("other: dynamics.input.mean differs"));
  std::vector<Bundle> one;
  one.push_back(WithSeed(1));
  EXPECT_THAT(std::string(MakeEnsemble(one).status().message()),
              HasSubstr("got 1 bundles, expected two or more"));
}

}  // namespace
}  // namespace foresight

#include "server/adaptation/autograd/imagined_noise.h"

#include <ATen/core/Tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "models/bundle/random_bundle.h"
#include "tests/support/tensors.h"

namespace foresight {
namespace {

std::vector<int64_t> Sizes(const std::vector<ParticleBlock>& blocks) {
  std::vector<int64_t> sizes;
  int64_t next = 0;
  for (const ParticleBlock& block : blocks) {
    EXPECT_EQ(block.first, next);
    next += block.count;
    sizes.push_back(block.count);
  }
  return sizes;
}

using ::testing::ElementsAre;

TEST(SplitParticles, BlocksAreEvenAndNoLargerThanAsked) {
  EXPECT_THAT(Sizes(SplitParticles(10, 1, 512)), ElementsAre(10));
  EXPECT_THAT(Sizes(SplitParticles(513, 1, 512)), ElementsAre(257, 256));
  EXPECT_THAT(Sizes(SplitParticles(7, 1, 3)), ElementsAre(3, 3, 1));
}

TEST(SplitParticles, BlocksAreWholeRoundsOfTheMembers) {
  EXPECT_THAT(Sizes(SplitParticles(10, 3, 5)), ElementsAre(3, 3, 3, 1));
  EXPECT_THAT(Sizes(SplitParticles(10, 3, 7)), ElementsAre(6, 4));
  EXPECT_THAT(Sizes(SplitParticles(2, 3, 1)), ElementsAre(2));
}

TEST(SplitParticles, ThereIsAlwaysProgress) {
  EXPECT_THAT(Sizes(SplitParticles(2, 1, 0)), ElementsAre(1, 1));
}

// Diffusion's first slot is used as drawn, whatever the sampler does with the
// others.
TEST(DrawNoise, RowsAreTheParticlesOfTheProblems) {
  const WorldModel model(RandomBundle(), Double());
  Problem problems[3];
  std::vector<const Problem*> pointers;
  for (int p = 0; p < 3; ++p) {
    problems[p].seed = p;
    problems[p].decision = 10 + p;
    problems[p].settings.horizon = 2;
    problems[p].settings.noise_scale = 0.5f * p;
    if (p > 0) pointers.push_back(&problems[p]);
  }
  const SamplerNoise noise =
      DrawNoise(model, pointers, NoiseBank::kAcceptance, {4, 3});
  for (int h = 0; h < 2; ++h) {
    const at::Tensor z = noise.shares[0].z[h][0];  // [2 * 3, S]
    for (int row = 0; row < 6; ++row) {
      const int p = 1 + row / 3;
      std::vector<float> expected(3);
      FillNoise(
          {uint64_t(p), uint64_t(10 + p), NoiseBank::kAcceptance, 0.5f * p}, h,
          4 + row % 3, 0, absl::MakeSpan(expected));
      EXPECT_EQ(Values(z[row]),
                std::vector<double>(expected.begin(), expected.end()));
    }
  }
}

}  // namespace
}  // namespace foresight

#include "server/adaptation/noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace foresight {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<float> Draw(const DecisionNoise& noise, int transition,
                        int particle, int slot, int size) {
  std::vector<float> z(size);
  FillNoise(noise, transition, particle, slot, absl::MakeSpan(z));
  return z;
}

// Random123's known answers, as docs/method.md section 4 lists them.
TEST(Philox4x32, GivesTheKnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                         {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

// The digits in docs/method.md, to half a unit of the last one.
TEST(FillNoise, GivesTheKnownAnswers) {
  const std::vector<float> small = {-0.443769f, -0.252753f, -2.359029f,
                                    0.430712f,  -0.129959f, -0.531846f};
  EXPECT_THAT(Draw({/*seed=*/42, /*decision=*/3}, 2, 1, 4, 6),
              Pointwise(FloatNear(1e-6), small));
  const std::vector<float> large = {-1.848713f, -0.193960f, 0.228072f,
                                    -0.593557f, 0.180017f,  -1.617345f};
  EXPECT_THAT(Draw({7696704851221u, 1000000}, 0, 9, 0, 6),
              Pointwise(FloatNear(1e-6), large));
}

TEST(FillNoise, ComponentsDoNotDependOnHowManyAreDrawn) {
  const DecisionNoise noise = {7, 11};
  const std::vector<float> all = Draw(noise, 3, 5, 2, 23);
  for (int size = 0; size < 23; ++size) {
    EXPECT_EQ(Draw(noise, 3, 5, 2, size),
              std::vector<float>(all.begin(), all.begin() + size));
  }
}

TEST(FillNoise, EveryIndexCounts) {
  const DecisionNoise noise = {7, 11};
  const std::vector<float> base = Draw(noise, 3, 5, 2, 8);
  EXPECT_NE(Draw(noise, 4, 5, 2, 8), base);
  EXPECT_NE(Draw(noise, 3, 6, 2, 8), base);
  EXPECT_NE(Draw(noise, 3, 5, 3, 8), base);
  EXPECT_NE(Draw({8, 11}, 3, 5, 2, 8), base);
  EXPECT_NE(Draw({7 + (uint64_t{1} << 32), 11}, 3, 5, 2, 8), base);
  EXPECT_NE(Draw({7, 12}, 3, 5, 2, 8), base);
}

TEST(FillNoise, TheSecondBankIsTheFirstShiftedBy32768Slots) {
  const DecisionNoise first = {7, 11};
  const DecisionNoise second = {7, 11, NoiseBank::kAcceptance};
  EXPECT_EQ(Draw(second, 3, 5, 2, 8), Draw(first, 3, 5, 2 + 32768, 8));
  EXPECT_NE(Draw(second, 3, 5, 2, 8), Draw(first, 3, 5, 2, 8));
}

TEST(FillNoise, ScaleMultipliesBothBanks) {
  for (const NoiseBank bank :
       {NoiseBank::kAdaptation, NoiseBank::kAcceptance}) {
    const std::vector<float> one = Draw({7, 11, bank}, 0, 0, 0, 9);
    std::vector<float> half = one;
    for (float& z : half) z *= 0.5f;  // Exact: a power of two.
    EXPECT_EQ(Draw({7, 11, bank, 0.5f}, 0, 0, 0, 9), half);
    EXPECT_THAT(Draw({7, 11, bank, 0}, 0, 0, 0, 9), Each(0.0f));
  }
}

// The tolerance is four standard errors of 400,000 draws.
TEST(FillNoise, IsStandardNormal) {
  const int particles = 20000, size = 20;
  double sum = 0, squares = 0, fourths = 0;
  for (int m = 0; m < particles; ++m) {
    for (const float z : Draw({2026, 0}, 0, m, 0, size)) {
      sum += z;
      squares += double{z} * z;
      fourths += double{z} * z * z * z;
    }
  }
  const double n = particles * size;
  EXPECT_NEAR(sum / n, 0, 4 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 4 * std::sqrt(2 / n));
  EXPECT_NEAR(fourths / n, 3, 4 * std::sqrt(96 / n));
}

}  // namespace
}  // namespace foresight

#include "server/adaptation/noise.h"

#include <algorithm>
#include <cmath>

#include "models/bundle/manifest.h"

namespace foresight {
namespace {

static_assert(kMaxBetas <= kAcceptanceSlots, "the banks would overlap");

constexpr int kRounds = 10;
constexpr uint32_t kMultipliers[2] = {0xD2511F53u, 0xCD9E8D57u};
constexpr uint32_t kKeyIncrements[2] = {0x9E3779B9u, 0xBB67AE85u};  // Weyl
constexpr double kTwoPi = 6.283185307179586476925286766559;

// In (0, 1): never 0, so its logarithm is finite.
double Uniform(uint32_t word) { return ((word >> 8) + 0.5) * 0x1p-24; }

// Two independent standard normal values times `scale`, by Box-Muller from two
// words.
std::array<float, 2> NormalPair(uint32_t radius_word, uint32_t angle_word,
                                double scale) {
  const double radius = std::sqrt(-2 * std::log(Uniform(radius_word)));
  const double angle = kTwoPi * Uniform(angle_word);
  return {static_cast<float>(scale * (radius * std::cos(angle))),
          static_cast<float>(scale * (radius * std::sin(angle)))};
}

}  // namespace

std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const uint64_t product0 = uint64_t{kMultipliers[0]} * counter[0];
    const uint64_t product1 = uint64_t{kMultipliers[1]} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += kKeyIncrements[0];
    key[1] += kKeyIncrements[1];
  }
  return counter;
}

void FillNoise(const DecisionNoise& noise, int transition, int particle,
               int slot, absl::Span<float> z) {
  if (noise.scale == 0) {
    std::fill(z.begin(), z.end(), 0.0f);
    return;
  }
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(noise.seed),
                                       static_cast<uint32_t>(noise.seed >> 32)};
  const uint32_t bank =
      noise.bank == NoiseBank::kAcceptance ? kAcceptanceSlots : 0;
  std::array<uint32_t, 4> counter = {
      0, static_cast<uint32_t>(slot) + bank + (uint32_t(transition) << 16),
      static_cast<uint32_t>(particle), static_cast<uint32_t>(noise.decision)};
  for (size_t i = 0; i < z.size(); i += 4, ++counter[0]) {
    const std::array<uint32_t, 4> words = Philox4x32(counter, key);
    const std::array<float, 2> low =
        NormalPair(words[0], words[1], noise.scale);
    const std::array<float, 2> high =
        NormalPair(words[2], words[3], noise.scale);
    const std::array<float, 4> block = {low[0], low[1], high[0], high[1]};
    std::copy_n(block.begin(), std::min<size_t>(4, z.size() - i),
                z.begin() + i);
  }
}

}  // namespace foresight

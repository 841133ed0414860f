#include "client/environments/numpy_generator.h"

#include <array>
#include <cmath>

namespace foresight {
namespace {

constexpr int kPoolWords = 4;
constexpr int kStateWords = 8;  // 256 bits: PCG64's state and stream.

// One round of the hash. Its constant changes with each word.
class WordHash {
 public:
  WordHash(uint32_t constant, uint32_t multiplier)
      : constant_(constant), multiplier_(multiplier) {}

  uint32_t operator()(uint32_t word) {
    word ^= constant_;
    constant_ *= multiplier_;
    word *= constant_;
    return word ^ (word >> 16);
  }

 private:
  uint32_t constant_;
  const uint32_t multiplier_;
};

uint32_t Mix(uint32_t x, uint32_t y) {
  const uint32_t mixed = 0xca01f9ddu * x - 0x4973f715u * y;
  return mixed ^ (mixed >> 16);
}

// SeedSequence(seed).generate_state(8, uint32).
std::array<uint32_t, kStateWords> SpreadSeed(uint64_t seed) {
  std::array<uint32_t, kPoolWords> pool = {static_cast<uint32_t>(seed),
                                           static_cast<uint32_t>(seed >> 32)};
  WordHash in(0x43b0d7e5u, 0x931e8875u);
  for (uint32_t& word : pool) word = in(word);
  for (int from = 0; from < kPoolWords; ++from) {
    for (int to = 0; to < kPoolWords; ++to) {
      if (from != to) pool[to] = Mix(pool[to], in(pool[from]));
    }
  }
  std::array<uint32_t, kStateWords> state;
  WordHash out(0x8b51f9ddu, 0x58f38dedu);
  for (int i = 0; i < kStateWords; ++i) state[i] = out(pool[i % kPoolWords]);
  return state;
}

constexpr int kLayers = 256;
constexpr double kMantissa = 4503599627370496.0;  // 2^52
// The beginning of the tail and each layer's area: the only pair for which 256
// equal layers end exactly at the density's top. The area's last digits are
// those used for NumPy's table.
constexpr double kTailStart = 3.6541528853610087963519472518;
constexpr double kLayerArea = 0.004928673233974652;

// f(x) = exp(-x^2 / 2); x_1 < ... < x_255 = kTailStart are the layers' edges.
// Entry 0 is the bottom layer, of which the tail is a part.
struct Ziggurat {
  // A 52-bit draw below this is certainly inside the layer.
  std::array<uint64_t, kLayers> sure;
  std::array<double, kLayers> width;    // x_i 2^-52, a draw's unit.
  std::array<double, kLayers> density;  // f(x_i).
};

// Rounds once, whatever the C library's exp in double does.
double Exp(double x) {
  return static_cast<double>(std::exp(static_cast<long double>(x)));
}
double Log(double x) {
  return static_cast<double>(std::log(static_cast<long double>(x)));
}

// Every edge follows from the one below it, so a difference in one last bit
// affects all edges above. f(x_38) lies 0.498 units above a double; NumPy's
// table has it rounded up.
constexpr int kRoundedUp = 38;

Ziggurat MakeZiggurat() {
  Ziggurat table;
  double x = kTailStart;
  const double base = kLayerArea / Exp(-0.5 * x * x);
  table.sure[0] = static_cast<uint64_t>(x / base * kMantissa);
  table.width[0] = base / kMantissa;
  table.density[0] = 1;
  for (int i = kLayers - 1; i > 0; --i) {
    double density = Exp(-0.5 * x * x);
    if (i == kRoundedUp) density = std::nextafter(density, 1.0);
    table.width[i] = x / kMantissa;
    table.density[i] = density;
    // Equal areas: x_i (f(x_{i-1}) - f(x_i)) = area, up to the top x_0 = 0.
    const double above =
        i > 1 ? std::sqrt(-2 * Log(kLayerArea / x + density)) : 0;
    table.sure[i] = static_cast<uint64_t>(above / x * kMantissa);
    x = above;
  }
  return table;
}

}  // namespace

NumpyGenerator::NumpyGenerator(uint64_t seed) {
  const std::array<uint32_t, kStateWords> words = SpreadSeed(seed);
  const auto word64 = [&](int i) {
    return words[2 * i] | static_cast<uint64_t>(words[2 * i + 1]) << 32;
  };
  increment_ = absl::MakeUint128(word64(2), word64(3)) << 1 | 1;
  state_ = increment_ + absl::MakeUint128(word64(0), word64(1));
  NextUint64();
}

uint64_t NumpyGenerator::NextUint64() {
  constexpr absl::uint128 kMultiplier =
      absl::MakeUint128(0x2360ed051fc65da4u, 0x4385df649fccf645u);
  state_ = state_ * kMultiplier + increment_;
  const uint64_t high = absl::Uint128High64(state_);
  const uint64_t folded = high ^ absl::Uint128Low64(state_);
  const int rotation = static_cast<int>(high >> 58);
  return folded >> rotation | folded << (-rotation & 63);
}

double NumpyGenerator::Uniform() {
  return static_cast<double>(NextUint64() >> 11) * 0x1p-53;
}

double NumpyGenerator::Uniform(double low, double high) {
  return low + (high - low) * Uniform();
}

double NumpyGenerator::StandardNormal() {
  static const Ziggurat& table = *new Ziggurat(MakeZiggurat());
  while (true) {
    const uint64_t bits = NextUint64();  // Bits: 52 size, 1 sign, 8 layer.
    const int layer = static_cast<int>(bits & 0xff);
    const uint64_t size = bits >> 9 & 0xfffffffffffffu;
    const double x = static_cast<double>(size) * table.width[layer] *
                     ((bits >> 8 & 1) == 1 ? -1 : 1);
    if (size < table.sure[layer]) return x;
    if (layer > 0) {
      const double below = table.density[layer];
      const double y = (table.density[layer - 1] - below) * Uniform() + below;
      if (y < std::exp(-0.5 * x * x)) return x;
      continue;
    }
    // The tail (Marsaglia 1964): exponential, accepted with probability
    // exp(-beyond^2/2).
    constexpr double kTailStartInverse = 0.27366123732975827203338247596;
    while (true) {
      const double beyond = -kTailStartInverse * std::log1p(-Uniform());
      const double test = -std::log1p(-Uniform());
      if (test + test > beyond * beyond) {
        return (size >> 8 & 1) == 1 ? -(kTailStart + beyond)
                                    : kTailStart + beyond;
      }
    }
  }
}

}  // namespace foresight

// Philox4x32-10 and Box-Muller on vectors: the values of
// server/adaptation/noise.h to within a few 1e-7, in a tenth of the time.
// Included by VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

// One counter per lane, each 32-bit word in a lane of 64 bits.
struct Counters {
  Words word[4];
};

FORESIGHT_INLINE void Philox(Counters& c, uint64_t key0, uint64_t key1) {
  const uint64_t low = 0xffffffffu;
  for (int round = 0; round < 10; ++round) {
    const Words product0 = c.word[0] * uint64_t{0xD2511F53u};
    const Words product1 = c.word[2] * uint64_t{0xCD9E8D57u};
    c.word[0] = (product1 >> 32) ^ c.word[1] ^ key0;
    c.word[1] = product1 & low;
    c.word[2] = (product0 >> 32) ^ c.word[3] ^ key1;
    c.word[3] = product0 & low;
    key0 = (key0 + 0x9E3779B9u) & low;
    key1 = (key1 + 0xBB67AE85u) & low;
  }
}

FORESIGHT_INLINE Doubles Fill(double x) { return x - Doubles{}; }

// ((word >> 8) + 0.5) 2^-24
FORESIGHT_INLINE Doubles Uniform(Words word) {
  const Longs integer = reinterpret_cast<Longs>(word >> 8);
  return (__builtin_convertvector(integer, Doubles) + 0.5) * 0x1p-24;
}

// ln x for x in (0, 1): x = 2^e m with m in [sqrt(1/2), sqrt 2), and ln m by
// the series of atanh in s = (m - 1) / (m + 1), |s| < 0.172. The remainder is
// below 1e-12.
FORESIGHT_INLINE Doubles Log(Doubles x) {
  const int64_t sqrt_half = 0x3FE6A09E667F3BCD;
  const Longs bits = reinterpret_cast<Longs>(x) - sqrt_half;
  const Longs exponent = bits >> 52;
  const Doubles m =
      reinterpret_cast<Doubles>(reinterpret_cast<Longs>(x) - (exponent << 52));
  const Doubles s = (m - 1) / (m + 1);
  const Doubles q = s * s;
  Doubles p = q * (2.0 / 13) + 2.0 / 11;
  p = p * q + 2.0 / 9;
  p = p * q + 2.0 / 7;
  p = p * q + 2.0 / 5;
  p = p * q + 2.0 / 3;
  p = p * q + 2.0;
  return s * p +
         __builtin_convertvector(exponent, Doubles) * 0.6931471805599453;
}

// sin and cos of 2 pi u for u in (0, 1), by Taylor's series in the distance to
// the nearest quarter turn, at most pi / 4. The remainder is below 1e-10.
FORESIGHT_INLINE void SinCos(Doubles u, Doubles* sine, Doubles* cosine) {
  const double magic = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds.
  const Doubles shifted = u * 4 + magic;
  const Longs quarter = reinterpret_cast<Longs>(shifted);
  const Doubles x = (u * 4 - (shifted - magic)) * 1.5707963267948966;
  const Doubles q = x * x;
  Doubles s = q * (1.0 / 362880) - 1.0 / 5040;
  s = s * q + 1.0 / 120;
  s = s * q - 1.0 / 6;
  s = s * q * x + x;
  Doubles c = q * (-1.0 / 3628800) + 1.0 / 40320;
  c = c * q - 1.0 / 720;
  c = c * q + 1.0 / 24;
  c = c * q - 0.5;
  c = c * q + 1.0;
  const Longs odd = -(quarter & 1);
  const Longs sine_sign = (quarter & 2) << 62;
  const Longs cosine_sign = ((quarter + 1) & 2) << 62;
  const Longs s_bits = reinterpret_cast<Longs>(s);
  const Longs c_bits = reinterpret_cast<Longs>(c);
  *sine =
      reinterpret_cast<Doubles>(((c_bits & odd) | (s_bits & ~odd)) ^ sine_sign);
  *cosine = reinterpret_cast<Doubles>(((s_bits & odd) | (c_bits & ~odd)) ^
                                      cosine_sign);
}

FORESIGHT_INLINE Doubles SquareRoot(Doubles x) {
  for (int i = 0; i < kLanes / 2; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
}

FORESIGHT_INLINE void NormalPair(Words radius_word, Words angle_word,
                                 double scale, Doubles* first,
                                 Doubles* second) {
  const Doubles radius = SquareRoot(-2.0 * Log(Uniform(radius_word))) * scale;
  SinCos(Uniform(angle_word), second, first);
  *first *= radius;
  *second *= radius;
}

// Draws four components of a row at a time, one counter per lane.
class NoiseWriter {
 public:
  explicit NoiseWriter(const NoiseBlock& block) : block_(block) {}

  // Writes components 4 * group.. of slot and row to `to`.
  void Push(uint32_t group, uint32_t slot, uint32_t row, float* to) {
    group_[count_] = group;
    slot_[count_] = block_.transition + slot;
    particle_[count_] = block_.first_particle + row * block_.particle_step;
    to_[count_++] = to;
    if (count_ == kCount) Flush();
  }

  void Flush() {
    if (count_ == 0) return;
    Counters c;
    for (int i = 0; i < kCount; ++i) {
      c.word[0][i] = group_[i];
      c.word[1][i] = slot_[i];
      c.word[2][i] = particle_[i];
      c.word[3][i] = block_.decision;
    }
    Philox(c, block_.key[0], block_.key[1]);
    Doubles z[4];
    NormalPair(c.word[0], c.word[1], block_.scale, &z[0], &z[1]);
    NormalPair(c.word[2], c.word[3], block_.scale, &z[2], &z[3]);
    for (int i = 0; i < count_; ++i) {
      for (int j = 0; j < 4; ++j) to_[i][j] = static_cast<float>(z[j][i]);
    }
    count_ = 0;
  }

 private:
  static constexpr int kCount = kLanes / 2;

  const NoiseBlock block_;
  int count_ = 0;
  uint64_t group_[kCount] = {}, slot_[kCount] = {}, particle_[kCount] = {};
  float* to_[kCount] = {};
};

void Noise(const NoiseBlock& block, int slots, int rows, int size, Matrix z,
           ptrdiff_t slot_step) {
  NoiseWriter writer(block);
  const int groups = (size + 3) / 4;
  for (int slot = 0; slot < slots; ++slot) {
    for (int row = 0; row < rows; ++row) {
      for (int group = 0; group < groups; ++group) {
        writer.Push(group, slot, row, &z.at(row, group * 4) + slot * slot_step);
      }
    }
  }
  writer.Flush();
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

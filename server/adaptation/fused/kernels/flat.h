// Arithmetic on all parameters at once. Included by VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

constexpr int kHalf = kLanes / 2;

// With four sums side by side, since a single one would wait for each addition.
template <typename F>
FORESIGHT_INLINE double SumOf(size_t size, F squared) {
  Doubles sums[4] = {};
  size_t i = 0;
  for (; i + 4 * kHalf <= size; i += 4 * kHalf) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Doubles x = squared(i + j * kHalf);
      sums[j] += x * x;
    }
  }
  for (; i < size; i += kHalf) {
    const Doubles x = squared(i);
    sums[0] += x * x;
  }
  return Sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

double SumSquares(size_t size, const float* x) {
  return SumOf(size, [x](size_t i) { return Widen(LoadHalf(x + i)); });
}

double SquaredDistance(size_t size, const float* x, const float* y) {
  return SumOf(size, [x, y](size_t i) {
    return Widen(LoadHalf(x + i)) - Widen(LoadHalf(y + i));
  });
}

FORESIGHT_INLINE void AddScaled(size_t size, const float* x, float scale,
                                const float* y, float* out) {
  for (size_t i = 0; i < size; i += kLanes) {
    Store(out + i, Load(x + i) + scale * Load(y + i));
  }
}

// Sums in SquaredDistance's order, so the result is equal to the bit.
double Ascend(size_t size, const float* x, float scale, float* y,
              const float* z) {
  Doubles sums[4] = {};
  const auto distance = [&](size_t i) {
    return Widen(LoadHalf(y + i)) - Widen(LoadHalf(z + i));
  };
  size_t i = 0;
  for (; i + 4 * kHalf <= size; i += 4 * kHalf) {
    AddScaled(4 * kHalf, x + i, scale, y + i, y + i);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const Doubles d = distance(i + j * kHalf);
      sums[j] += d * d;
    }
  }
  AddScaled(size - i, x + i, scale, y + i, y + i);
  for (; i < size; i += kHalf) {
    const Doubles d = distance(i);
    sums[0] += d * d;
  }
  return Sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

void Interpolate(size_t size, const float* x, float factor, const float* y,
                 float* out) {
  for (size_t i = 0; i < size; i += kLanes) {
    const Vector from = Load(x + i);
    Store(out + i, from + factor * (Load(y + i) - from));
  }
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

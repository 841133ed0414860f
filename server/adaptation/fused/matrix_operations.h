// Elementwise operations on states and actions, too small to need kernels. All
// are on [rows, 16 tiles]; operands may be the result.
#pragma once

#include <algorithm>

#include "server/adaptation/fused/kernels/kernels.h"
#include "server/adaptation/fused/model.h"

namespace foresight::fused {

// Calls f(t, r) for each tile t and row r.
template <typename F>
inline void ForEachTile(int rows, int tiles, F f) {
  for (int t = 0; t < tiles; ++t) {
    for (int r = 0; r < rows; ++r) f(t, r);
  }
}

inline float* At(Matrix m, int t, int r) {
  return m.data + t * m.stride + r * kTile;
}

// out = (x - mean) * scale, where x's first column is column 16 * tile of
// `standardiser`.
inline void Standardise(int rows, int tiles,
                        const PackedStandardiser& standardiser, int tile,
                        Matrix x, Matrix out) {
  ForEachTile(rows, tiles, [&](int t, int r) {
    const float* mean = standardiser.mean.data() + (tile + t) * kTile;
    const float* scale = standardiser.scale.data() + (tile + t) * kTile;
    const float* from = At(x, t, r);
    float* to = At(out, t, r);
    for (int i = 0; i < kTile; ++i) to[i] = (from[i] - mean[i]) * scale[i];
  });
}

// out = add + x * factor[column]
inline void AddScaled(int rows, int tiles, const float* factor, Matrix add,
                      Matrix x, Matrix out) {
  ForEachTile(rows, tiles, [&](int t, int r) {
    const float* f = factor + t * kTile;
    const float* from = At(x, t, r);
    const float* plus = At(add, t, r);
    float* to = At(out, t, r);
    for (int i = 0; i < kTile; ++i) to[i] = plus[i] + from[i] * f[i];
  });
}

// x = a x + b y
inline void Combine(int rows, int tiles, float a, Matrix x, float b, Matrix y) {
  ForEachTile(rows, tiles, [&](int t, int r) {
    float* to = At(x, t, r);
    const float* from = At(y, t, r);
    for (int i = 0; i < kTile; ++i) to[i] = a * to[i] + b * from[i];
  });
}

// out = a x
inline void Scale(int rows, int tiles, float a, Matrix x, Matrix out) {
  ForEachTile(rows, tiles, [&](int t, int r) {
    const float* from = At(x, t, r);
    float* to = At(out, t, r);
    for (int i = 0; i < kTile; ++i) to[i] = a * from[i];
  });
}

// out = x * y
inline void Times(int rows, int tiles, Matrix x, Matrix y, Matrix out) {
  ForEachTile(rows, tiles, [&](int t, int r) {
    const float* a = At(x, t, r);
    const float* b = At(y, t, r);
    float* to = At(out, t, r);
    for (int i = 0; i < kTile; ++i) to[i] = a[i] * b[i];
  });
}

inline void Clear(int rows, int tiles, Matrix x) {
  ForEachTile(rows, tiles,
              [&](int t, int r) { std::fill_n(At(x, t, r), kTile, 0.0f); });
}

}  // namespace foresight::fused

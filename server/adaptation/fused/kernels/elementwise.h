// Activations, layer norms and sums between the products. Included by
// VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/vector_math.h"

namespace foresight::fused::FORESIGHT_VARIANT {

struct ReluFunction {
  FORESIGHT_INLINE static Vector Apply(Vector x, Vector* slope) {
    *slope = x > 0.0f ? Broadcast(1.0f) : Vector{};
    // NaN stays NaN.
    return x < 0.0f ? Vector{} : x;
  }
};

struct SiluFunction {
  FORESIGHT_INLINE static Vector Apply(Vector x, Vector* slope) {
    const Vector e = Exp(-x);
    const Vector logistic = 1.0f / (1.0f + e);
    const Vector y = x * logistic;
    // Computing 1 - logistic would lose digits.
    *slope = logistic + y * (e * logistic);
    return y;
  }
};

struct TanhFunction {
  FORESIGHT_INLINE static Vector Apply(Vector x, Vector* slope) {
    const Vector y = Tanh(x);
    *slope = 1.0f - y * y;
    return y;
  }
};

template <typename Function>
void Activate(int rows, int tiles, Matrix x, Matrix slope) {
  const int size = rows * kTile;
  for (int tile = 0; tile < tiles; ++tile) {
    float* values = x.Tile(tile).data;
    float* slopes = slope.data == nullptr ? nullptr : slope.Tile(tile).data;
    for (int i = 0; i < size; i += kLanes) {
      Vector derivative;
      Store(values + i, Function::Apply(Load(values + i), &derivative));
      if (slopes != nullptr) Store(slopes + i, derivative);
    }
  }
}

void Add(int rows, int tiles, Matrix x, Matrix y) {
  const int size = rows * kTile;
  for (int tile = 0; tile < tiles; ++tile) {
    float* to = x.Tile(tile).data;
    const float* from = y.Tile(tile).data;
    for (int i = 0; i < size; i += kLanes) {
      Store(to + i, Load(to + i) + Load(from + i));
    }
  }
}

// Calls f(address of a vector, its first column) for each vector of a row whose
// matrix begins at `x`.
template <typename F>
FORESIGHT_INLINE void ForEachVector(int columns, Matrix x, F f) {
  for (int column = 0; column < columns; column += kLanes) {
    f(x.data + column / kTile * x.stride + column % kTile, column);
  }
}

// 1 in the lanes of existing columns, 0 in the padding.
FORESIGHT_INLINE Vector Mask(int column, int columns) {
  Vector mask;
  for (int i = 0; i < kLanes; ++i) mask[i] = column + i < columns ? 1 : 0;
  return mask;
}

FORESIGHT_INLINE Vector Masked(Vector x, int column, int columns) {
  return column + kLanes <= columns ? x : x * Mask(column, columns);
}

// In two passes, since a single one would lose digits if the mean is large.
void Norm(const LayerNorm& norm, Matrix x, Matrix normal, Matrix inverse) {
  const int columns = norm.columns;
  const int padded = Tiles(columns) * kTile;
  for (int r = 0; r < norm.rows; ++r) {
    const Matrix row = x.Row(r);
    Vector sum = {};
    ForEachVector(columns, row, [&](float* p, int) { sum += Load(p); });
    const Vector mean = Broadcast(Sum(sum) / columns);
    Vector squares = {};
    ForEachVector(columns, row, [&](float* p, int column) {
      const Vector d = Masked(Load(p) - mean, column, columns);
      squares += d * d;
    });
    const float variance = Sum(squares) / columns;
    const float scale = 1 / __builtin_sqrtf(variance + norm.epsilon);
    ForEachVector(padded, row, [&](float* p, int column) {
      const Vector z = Masked((Load(p) - mean) * scale, column, columns);
      if (normal.data != nullptr) {
        Store(normal.Row(r).data + column / kTile * normal.stride +
                  column % kTile,
              z);
      }
      Store(p, z * Load(norm.weight + column) + Load(norm.bias + column));
    });
    if (inverse.data == nullptr) continue;
    ForEachVector(kTile, inverse.Row(r),
                  [&](float* p, int) { Store(p, Broadcast(scale)); });
  }
}

// With d = weight * delta and n the normal values, row means over the columns:
//   z* = inverse (d - mean(d) - n mean(d n))
void NormAdjoint(const LayerNorm& norm, Matrix delta, Matrix normal,
                 Matrix inverse, Matrix slope, Matrix out) {
  const int columns = norm.columns;
  for (int r = 0; r < norm.rows; ++r) {
    const Matrix row = delta.Row(r);
    const auto other = [r](Matrix m, int column) {
      return Load(m.Row(r).data + column / kTile * m.stride + column % kTile);
    };
    Vector sum = {}, product = {};
    ForEachVector(columns, row, [&](float* p, int column) {
      const Vector d = Load(p) * Load(norm.weight + column);
      sum += d;
      product += d * other(normal, column);
    });
    const Vector mean = Broadcast(Sum(sum) / columns);
    const Vector mean_product = Broadcast(Sum(product) / columns);
    const float scale = inverse.Row(r).data[0];
    ForEachVector(Tiles(columns) * kTile, row, [&](float* p, int column) {
      const Vector d = Load(p) * Load(norm.weight + column);
      const Vector z =
          (d - mean - other(normal, column) * mean_product) * scale;
      Store(out.Row(r).data + column / kTile * out.stride + column % kTile,
            Masked(z * other(slope, column), column, columns));
    });
  }
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

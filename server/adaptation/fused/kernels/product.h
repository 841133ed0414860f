// Register-blocked matrix products. Included by VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

// FORESIGHT_REGISTER_ROWS x FORESIGHT_REGISTER_VECTORS accumulators, one vector
// of weights for each column and one broadcast element fit the registers.
constexpr int kMaxRows = FORESIGHT_REGISTER_ROWS;
constexpr int kRegisterVectors = FORESIGHT_REGISTER_VECTORS;

// The number of vectors side by side for `rows` rows: more for few rows, so
// that enough independent sums hide the latency of the multiply-add.
constexpr int WidthFor(int rows) {
  int width = kRegisterVectors;
  while (width < 8 &&
         (rows + 1) * width * 2 + 1 <= (kMaxRows + 1) * kRegisterVectors + 1) {
    width *= 2;
  }
  return width;
}

template <int R, int V>
struct Accumulators {
  Vector sum[R][V];
};

// The offset of vector v in a block of columns that begins at vector `first`.
FORESIGHT_INLINE ptrdiff_t Offset(int vector, ptrdiff_t tile_stride) {
  return vector / kVectorsPerTile * tile_stride +
         vector % kVectorsPerTile * kLanes;
}

template <int R, int V>
FORESIGHT_INLINE void Begin(const Product& p, int row, int first,
                            Accumulators<R, V>& block) {
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    Vector start = {};
    if (p.bias != nullptr) start = Load(p.bias + (first + v) * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) block.sum[r][v] = start;
  }
  if (p.add.data == nullptr) return;
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    const float* add = p.add.data + Offset(first + v, p.add.stride);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      block.sum[r][v] += Load(add + (row + r) * kTile);
    }
  }
}

// Prefetches the scale, a tape that is often in the third-level cache, so that
// it arrives while the sums are computed.
template <int R, int V>
FORESIGHT_INLINE void PrefetchScale(const Product& p, int row, int first) {
  if (p.scale.data == nullptr) return;
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    const float* scale = p.scale.data + Offset(first + v, p.scale.stride);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) __builtin_prefetch(scale + (row + r) * kTile);
  }
}

template <int R, int V>
FORESIGHT_INLINE void End(const Product& p, int row, int first,
                          Accumulators<R, V>& block) {
  if (p.scale.data != nullptr) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      const float* scale = p.scale.data + Offset(first + v, p.scale.stride);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) {
        block.sum[r][v] *= Load(scale + (row + r) * kTile);
      }
    }
  }
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    float* out = p.out.data + Offset(first + v, p.out.stride);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) Store(out + (row + r) * kTile, block.sum[r][v]);
  }
}

// Adds the products of one input column, for R rows at `in`, and one row of V
// panels.
template <int R, int V>
FORESIGHT_INLINE void Step(const float* in, const float* const (&weights)[V],
                           ptrdiff_t offset, Accumulators<R, V>& block) {
  Vector w[V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) w[v] = Load(weights[v] + offset);
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const Vector x = Broadcast(in[r * kTile]);
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) block.sum[r][v] += x * w[v];
  }
}

template <int R, int V>
void Block(const Product& p, int row, int first) {
  Accumulators<R, V> block;
  PrefetchScale<R, V>(p, row, first);
  Begin(p, row, first, block);
  const float* weights[V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    weights[v] = p.weights + Offset(first + v, p.panel_stride);
  }
  const float* in = p.in.data + row * kTile;
  ptrdiff_t offset = 0;
  for (int tile = p.inputs / kTile; tile > 0; --tile, in += p.in.stride) {
#pragma GCC unroll 4
    for (int i = 0; i < kTile; ++i, offset += kTile) {
      Step(in + i, weights, offset, block);
    }
  }
  for (int i = 0; i < p.inputs % kTile; ++i, offset += kTile) {
    Step(in + i, weights, offset, block);
  }
  End(p, row, first, block);
}

using BlockFunction = void (*)(const Product&, int row, int first);

// Block<rows, width>, for width up to WidthFor(rows).
template <int R>
BlockFunction FindBlock(int rows, int width) {
  if (rows == R) {
    if constexpr (WidthFor(R) >= 8) {
      if (width == 8) return Block<R, 8>;
    }
    if constexpr (WidthFor(R) >= 4) {
      if (width == 4) return Block<R, 4>;
    }
    return width == 2 ? Block<R, 2> : Block<R, 1>;
  }
  if constexpr (R > 1) return FindBlock<R - 1>(rows, width);
  return nullptr;
}

// Uses the widest blocks that fit the remaining columns, and computes all rows
// of a block of columns before the next, so that its weights stay in the
// first-level cache. Rows are split into as few register blocks as possible, of
// nearly equal size.
void Multiply(const Product& p) {
  const int blocks = (p.rows + kMaxRows - 1) / kMaxRows;
  const int most = (p.rows + blocks - 1) / blocks;
  const int vectors = p.panels * kVectorsPerTile;
  int width = WidthFor(most);
  for (int first = 0; first < vectors; first += width) {
    while (first + width > vectors) width /= 2;
    const BlockFunction large = FindBlock<kMaxRows>(most, width);
    const BlockFunction small =
        most > 1 ? FindBlock<kMaxRows>(most - 1, width) : nullptr;
    const int of_most = p.rows - blocks * (most - 1);
    for (int i = 0, row = 0; i < blocks; ++i) {
      (i < of_most ? large : small)(p, row, first);
      row += i < of_most ? most : most - 1;
    }
  }
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

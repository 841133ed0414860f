// Register-blocked matrix products. Included by kernels_VARIANT.cc.
#pragma once

#include "server/adaptation/fused/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

// FORESIGHT_REGISTER_ROWS x FORESIGHT_REGISTER_VECTORS accumulators, one vector
// of weights for each column and one broadcast element fit the registers.
constexpr int kMaxRows = FORESIGHT_REGISTER_ROWS;
constexpr int kRegisterVectors = FORESIGHT_REGISTER_VECTORS;

// Vectors side by side for `rows` rows: wider for few rows, so that enough
// independent sums hide the latency of the multiply-add.
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

// Where vector v of a block that begins at vector `first` of the columns lies.
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

// The scale is a tape's, often from the third-level cache: it arrives while the
// sums are made.
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

// One column of the input for R rows at `in`, one row of V panels' vectors.
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

// The widest blocks that fit what is left of the columns; each block of columns
// for all rows, so that its weights come from the first-level cache but once.
// Rows in as few register blocks as can be, of nearly equal size.
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

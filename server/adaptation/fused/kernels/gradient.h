// Weight gradients and the transposed form of weights. Included by
// VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

// Inputs in one register block; a divisor of the tile.
constexpr int kOuterInputs = kLanes == 16 ? 8 : 4;
constexpr int kOuterVectors = FORESIGHT_REGISTER_VECTORS;

// Computes inputs first..first + I - 1 of one tile for V vectors of outputs,
// with the sums in registers. Each element's sum runs over steps, then rows.
template <int I, int V>
void OuterBlock(const WeightGradient& g, int first, int vector) {
  Vector sum[I][V];
  float* out[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    const int lane = (vector + v) * kLanes;
    out[v] = g.gradient + lane / kTile * g.panel_stride + first * kTile +
             lane % kTile;
#pragma GCC unroll 8
    for (int i = 0; i < I; ++i) {
      sum[i][v] = g.accumulate ? Load(out[v] + i * kTile) : Vector{};
    }
  }
  for (int step = 0; step < g.steps; ++step) {
    const float* in =
        g.in.Tile(first / kTile).data + first % kTile + step * g.in_step;
    const float* delta[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      const int lane = (vector + v) * kLanes;
      delta[v] =
          g.delta.Tile(lane / kTile).data + lane % kTile + step * g.delta_step;
    }
    for (int row = 0; row < g.rows; ++row) {
      Vector d[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) d[v] = Load(delta[v] + row * kTile);
#pragma GCC unroll 8
      for (int i = 0; i < I; ++i) {
        const Vector x = Broadcast(in[row * kTile + i]);
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) sum[i][v] += x * d[v];
      }
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 8
    for (int i = 0; i < I; ++i) Store(out[v] + i * kTile, sum[i][v]);
  }
}

template <int V>
void OuterColumns(const WeightGradient& g, int vector) {
  int first = 0;
  for (; first + kOuterInputs <= g.inputs; first += kOuterInputs) {
    OuterBlock<kOuterInputs, V>(g, first, vector);
  }
  for (; first < g.inputs; ++first) OuterBlock<1, V>(g, first, vector);
}

void ComputeWeightGradient(const WeightGradient& g) {
  const int vectors = g.panels * kVectorsPerTile;
  int vector = 0;
  for (; vector + kOuterVectors <= vectors; vector += kOuterVectors) {
    OuterColumns<kOuterVectors>(g, vector);
  }
  for (; vector < vectors; ++vector) OuterColumns<1>(g, vector);
}

void ColumnSums(const WeightGradient& g) {
  for (int vector = 0; vector < g.panels * kVectorsPerTile; ++vector) {
    const int lane = vector * kLanes;
    const ptrdiff_t tile = lane / kTile;
    float* out = g.gradient + lane;
    Vector sum = g.accumulate ? Load(out) : Vector{};
    for (int step = 0; step < g.steps; ++step) {
      const float* delta =
          g.delta.Tile(tile).data + lane % kTile + step * g.delta_step;
      const float* other = nullptr;
      if (g.in.data != nullptr) {
        other = g.in.Tile(tile).data + lane % kTile + step * g.in_step;
      }
      for (int row = 0; row < g.rows; ++row) {
        Vector term = Load(delta + row * kTile);
        if (other != nullptr) term *= Load(other + row * kTile);
        sum += term;
      }
    }
    Store(out, sum);
  }
}

// Swaps the off-diagonal blocks of S x S, then those of twice the size.
// Starting at S = 1 this is a transpose.
template <int S>
FORESIGHT_INLINE void SwapBlocks(Vector (&x)[kLanes]) {
  Integers upper = {}, lower = {};
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    upper[i] = (i & S) != 0 ? kLanes + i - S : i;
    lower[i] = (i & S) != 0 ? kLanes + i : i + S;
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) {
    if ((i & S) != 0) continue;
    const Vector a = x[i], b = x[i + S];
    x[i] = __builtin_shuffle(a, b, upper);
    x[i + S] = __builtin_shuffle(a, b, lower);
  }
  if constexpr (2 * S < kLanes) SwapBlocks<2 * S>(x);
}

void Transpose(int inputs, int outputs, const float* panels, ptrdiff_t stride,
               float* transposed, ptrdiff_t transposed_stride) {
  for (int output = 0; output < outputs; output += kLanes) {
    const float* from = panels + output / kTile * stride + output % kTile;
    for (int input = 0; input < Tiles(inputs) * kTile; input += kLanes) {
      Vector x[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        x[i] = input + i < inputs ? Load(from + (input + i) * kTile) : Vector{};
      }
      SwapBlocks<1>(x);
      float* to = transposed + input / kTile * transposed_stride +
                  output * kTile + input % kTile;
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        if (output + i < outputs) Store(to + i * kTile, x[i]);
      }
    }
  }
}

// Computes inputs first..first + kLanes - 1 (of `depth`) of one row. Each lane
// of a sum has its own outputs; the lanes are added last.
template <bool kWhole>
FORESIGHT_INLINE Vector TransposedSums(const Product& p, int depth, int row,
                                       int first) {
  Vector sum[kLanes] = {};
  const float* weights = p.weights + ptrdiff_t{first} * kTile;
  const float* in = p.in.data + row * kTile;
  for (int panel = Tiles(p.inputs); panel > 0; --panel) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectorsPerTile; ++v) {
      const Vector delta = Load(in + v * kLanes);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        if (!kWhole && first + i >= depth) break;
        sum[i] += delta * Load(weights + i * kTile + v * kLanes);
      }
    }
    weights += p.panel_stride;
    in += p.in.stride;
  }
  SwapBlocks<1>(sum);
#pragma GCC unroll 4
  for (int step = kLanes / 2; step > 0; step /= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < step; ++i) sum[i] += sum[i + step];
  }
  return sum[0];
}

void MultiplyTransposed(const Product& p, int depth) {
  for (int first = 0; first < p.panels * kTile; first += kLanes) {
    const ptrdiff_t tile = first / kTile, lane = first % kTile;
    for (int row = 0; row < p.rows; ++row) {
      Vector sum = first + kLanes <= depth
                       ? TransposedSums<true>(p, depth, row, first)
                       : TransposedSums<false>(p, depth, row, first);
      const ptrdiff_t at = row * kTile + lane;
      if (p.scale.data != nullptr) sum *= Load(p.scale.Tile(tile).data + at);
      Store(p.out.Tile(tile).data + at, sum);
    }
  }
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

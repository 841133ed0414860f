// Products on tile registers of bfloat16. Included by amx.cc, and by the test
// that emulates the registers in plain C++.
#pragma once

#include <utility>

#include "server/adaptation/fused/kernels/half.h"
#include "server/adaptation/fused/kernels/product.h"

namespace foresight::fused::FORESIGHT_VARIANT {

constexpr int kTileRows = 16;  // In a register.
constexpr int kTileHalves = kTileRows * kPairTile;

// Computes V panels side by side for one block of rows. `in` holds tiles of
// [rows, 32 columns] with zero padding; only the first `valid` of `rows` belong
// to the product.
template <typename Registers, int V>
struct TileBlock {
  const Product& p;
  const uint16_t* in;
  int rows, valid, row, first;

  template <int... v>
  void Run(std::integer_sequence<int, v...>) {
    alignas(64) float sums[V][kTileRows * kTile];
    (Begin(v, sums[v]), ...);
    (Registers::template Load<v>(sums[v]), ...);
    const int pairs = (p.inputs + 1) / 2;
    for (int pair = 0; pair < pairs; pair += kTileRows) {
      Registers::template Load<4>(in + pair / kTileRows * rows * kPairTile);
      (Step<v>(pair, pairs), ...);
    }
    (Registers::template Store<v>(sums[v]), ...);
    (End(v, sums[v]), ...);
  }

  void Begin(int v, float* sums) {
    const int tile = first + v;
    Vector start = {};
    if (p.bias != nullptr) start = Load(p.bias + tile * kTile);
    for (int r = 0; r < rows; ++r) {
      Vector sum = start;
      if (p.add.data != nullptr && r < valid) {
        sum += Load(p.add.Tile(tile).Row(row + r).data);
      }
      Store(sums + r * kTile, sum);
    }
  }

  template <int v>
  void Step(int pair, int pairs) {
    const uint16_t* weights =
        p.half_weights + (first + v) * p.panel_stride + pair * kPairTile;
    alignas(64) uint16_t last[kTileHalves];
    if (pairs - pair < kTileRows) {  // The rest belongs to others.
      const size_t size = size_t(pairs - pair) * kPairTile;
      __builtin_memset(last, 0, sizeof(last));
      __builtin_memcpy(last, weights, size * sizeof(uint16_t));
      weights = last;
    }
    Registers::template Load<5 + v % 2>(weights);
    Registers::template MultiplyAdd<v>();
  }

  void End(int v, const float* sums) {
    const int tile = first + v;
    for (int r = 0; r < valid; ++r) {
      Vector sum = Load(sums + r * kTile);
      if (p.scale.data != nullptr) {
        sum *= Load(p.scale.Tile(tile).Row(row + r).data);
      }
      Store(p.out.Tile(tile).Row(row + r).data, sum);
    }
  }
};

template <typename Registers, int V>
void TileColumns(const Product& p, const uint16_t* in, int rows, int valid,
                 int row, int first) {
  for (; first + V <= p.panels; first += V) {
    TileBlock<Registers, V> block = {p, in, rows, valid, row, first};
    block.Run(std::make_integer_sequence<int, V>());
  }
  if constexpr (V > 1) {
    if (first < p.panels) {
      TileColumns<Registers, V / 2>(p, in, rows, valid, row, first);
    }
  }
}

// Splits the rows into as few blocks as possible; the last ones may have a row
// of zeros.
template <typename Registers>
void MultiplyTiles(const Product& p) {
  if (p.half_weights == nullptr) return Multiply(p);
  const int blocks = (p.rows + kTileRows - 1) / kTileRows;
  const int most = (p.rows + blocks - 1) / blocks;
  alignas(64) uint16_t in[kTileRows * kLargestDepth];
  Registers::Configure(most);
  for (int i = 0, row = 0; i < blocks; ++i) {
    const int valid = (p.rows - row + blocks - i - 1) / (blocks - i);
    RoundInput(p, row, valid, most, in);
    TileColumns<Registers, 4>(p, in, most, valid, row, 0);
    row += valid;
  }
  Registers::Release();
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

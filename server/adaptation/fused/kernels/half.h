// Rounds inputs of products to bfloat16. Included by each VARIANT.cc
// that has AVX512-BF16.
#pragma once

#include <immintrin.h>

#include "server/adaptation/fused/kernels/simd.h"

namespace foresight::fused::FORESIGHT_VARIANT {

constexpr int kPairTile = 2 * kTile;  // Columns of 64 bytes of bfloat16.
constexpr int kLargestDepth = 4096;   // The widest hidden layer allowed.

// Rounds rows row..row + valid - 1 of the input to bfloat16, in tiles of [rows,
// 32 columns]; the remaining rows are zero.
FORESIGHT_INLINE void RoundInput(const Product& p, int row, int valid, int rows,
                                 uint16_t* out) {
  const int tiles = Tiles(p.inputs);
  for (int tile = 0; tile < tiles; tile += 2) {
    const float* low = p.in.Tile(tile).data + row * kTile;
    const float* high = p.in.Tile(tile + 1).data + row * kTile;
    for (int r = 0; r < rows; ++r, out += kPairTile) {
      Vector first = {}, second = {};
      if (r < valid) first = Load(low + r * kTile);
      if (r < valid && tile + 1 < tiles) second = Load(high + r * kTile);
      const __m512bh pairs = _mm512_cvtne2ps_pbh(
          reinterpret_cast<__m512>(second), reinterpret_cast<__m512>(first));
      __builtin_memcpy(out, &pairs, sizeof(pairs));
    }
  }
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

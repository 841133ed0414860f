// The AVX-512 kernels with products on bfloat16 pairs, for x86-64 with
// AVX512-BF16: twice the multiply-adds per instruction on AMD's Zen 4.
#define FORESIGHT_VARIANT avx512_bf16
#define FORESIGHT_VECTOR_BYTES 64
#define FORESIGHT_REGISTER_ROWS 14
#define FORESIGHT_REGISTER_VECTORS 2

#include "server/adaptation/fused/kernels/half.h"
#include "server/adaptation/fused/kernels/table.h"

namespace foresight::fused {
namespace avx512_bf16 {

FORESIGHT_INLINE __m512bh BroadcastPair(const uint16_t* pair) {
  int bits;
  __builtin_memcpy(&bits, pair, sizeof(bits));
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(bits));
}

template <int R, int V>
void HalfBlock(const Product& p, const uint16_t* in, int row, int first) {
  Accumulators<R, V> block;
  PrefetchScale<R, V>(p, row, first);
  Begin(p, row, first, block);
  const uint16_t* weights[V];
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    weights[v] = p.half_weights + (first + v) * p.panel_stride;
  }
  const int pairs = (p.inputs + 1) / 2;
  for (int pair = 0; pair < pairs; ++pair) {
    const uint16_t* x = in + pair / kTile * R * kPairTile + pair % kTile * 2;
    __m512bh w[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      __builtin_memcpy(&w[v], weights[v] + pair * kPairTile, sizeof(w[v]));
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const __m512bh xr = BroadcastPair(x + r * kPairTile);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        block.sum[r][v] = reinterpret_cast<Vector>(_mm512_dpbf16_ps(
            reinterpret_cast<__m512>(block.sum[r][v]), xr, w[v]));
      }
    }
  }
  End(p, row, first, block);
}

template <int R, int V>
void HalfColumns(const Product& p, const uint16_t* in, int row, int first) {
  for (; first + V <= p.panels; first += V) HalfBlock<R, V>(p, in, row, first);
  if constexpr (V > 1) {
    if (first < p.panels) HalfColumns<R, V / 2>(p, in, row, first);
  }
}

template <int R>
void HalfRowBlock(const Product& p, int rows, int row) {
  if (rows == R) {
    alignas(64) uint16_t in[R * kLargestDepth];
    RoundInput(p, row, R, R, in);
    return HalfColumns<R, WidthFor(R)>(p, in, row, 0);
  }
  if constexpr (R > 1) HalfRowBlock<R - 1>(p, rows, row);
}

void MultiplyHalf(const Product& p) {
  if (p.half_weights == nullptr) return Multiply(p);
  int blocks = (p.rows + kMaxRows - 1) / kMaxRows;
  for (int row = 0; blocks > 0; --blocks) {
    const int rows = (p.rows - row + blocks - 1) / blocks;
    HalfRowBlock<kMaxRows>(p, rows, row);
    row += rows;
  }
}

constexpr Kernels HalfTable() {
  Kernels table = Table("avx512-bf16");
  table.half = true;
  table.multiply = MultiplyHalf;
  return table;
}

}  // namespace avx512_bf16

extern const Kernels kAvx512Bf16Kernels = avx512_bf16::HalfTable();

}  // namespace foresight::fused

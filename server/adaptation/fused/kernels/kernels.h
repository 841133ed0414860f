// The arithmetic of the fused engine: a table of plain functions on float
// arrays, compiled once per instruction set and chosen at run time.
//
// Why they are written by hand: on plain products [rows, 256] x [256, 256] with
// weights in L2 (Zen 4, peak 117 GFLOP/s), Debian 12's libraries and `multiply`
// reach
//   rows                   1    10    32    64   GFLOP/s
//   oneDNN 2.6            38   109   113   115
//   libxsmm 1.17          50   116   116   116
//   multiply              50   114   112   112
// libxsmm's gain of 2 to 4 % is not worth its costs. It has no product that
// adds a matrix and a bias and scales by a third matrix, so that would need
// another pass. It generates code at run time, which hardened containers
// forbid, and only for x86-64. And the elementwise half would remain. Highway
// could do that half, which only needs arithmetic, select and conversion; but
// the compiler's vector types provide these in the forty lines of simd.h for
// any width and architecture.
//
// The tile layout. A matrix [rows, columns] is stored as tiles of 16 columns:
// element (r, c) is data[(c / 16) * stride + r * 16 + c % 16], stride at least
// rows * 16 floats. Columns are padded with zeros to whole tiles; data is
// 64-byte aligned and stride a multiple of 16. So a range of rows is a matrix
// itself (data + r * 16), and a register block of any number of rows reads its
// operands at constant offsets from one pointer.
//
// Weights [outputs, inputs] are panels of 16 outputs: panel p holds
// w[16 p + l, i] at p * stride + i * 16 + l.
//
// Each row's result depends on that row alone and is computed in the same order
// whatever the number of rows, so splitting rows over threads changes no bit.
#pragma once

#include <cstddef>
#include <cstdint>

namespace foresight::fused {

constexpr int kTile = 16;
constexpr int kAlignment = 64;  // Bytes.

constexpr int Tiles(int columns) { return (columns + kTile - 1) / kTile; }

// A matrix in the tile layout, not owned.
struct Matrix {
  float* data = nullptr;
  ptrdiff_t stride = 0;  // Floats from one tile to the next.

  Matrix Row(int r) const { return {data + r * kTile, stride}; }
  Matrix Tile(int t) const { return {data + t * stride, stride}; }
  float& at(int r, int c) const {
    return data[c / kTile * stride + r * kTile + c % kTile];
  }
};

// out[r, :] = scale[r, :] * (bias + add[r, :] + sum_i in[r, i] w[:, i])
struct Product {
  int rows = 0;
  int inputs = 0;
  int panels = 0;
  Matrix in;
  const float* weights = nullptr;
  ptrdiff_t panel_stride = 0;
  // The same panels in bfloat16, inputs in pairs: w[16 p + l, 2 i + j] at
  // p * panel_stride + i * 32 + 2 l + j; null: none. Kernels of precision bf16
  // use them in place of `weights`, round the input, and add in float32.
  const uint16_t* half_weights = nullptr;
  const float* bias = nullptr;  // [panels * 16], or null: none.
  Matrix add;                   // data null: none.
  Matrix scale;                 // data null: 1.
  Matrix out;                   // May be `add` or `scale`, not `in`.
};

// gradient[p][i][l] (+)= sum over steps and rows of
//   in[row, i] * delta[row, 16 p + l], panels as in weights.
struct WeightGradient {
  int steps = 0;  // Matrices, `*_step` floats apart.
  int rows = 0;
  int inputs = 0;
  int panels = 0;
  Matrix in, delta;
  ptrdiff_t in_step = 0, delta_step = 0;
  float* gradient = nullptr;
  ptrdiff_t panel_stride = 0;
  bool accumulate = false;
};

// LayerNorm over `columns` of each row with the biased variance:
//   normal = (z - mean) / sqrt(variance + epsilon), y = weight normal + bias.
struct LayerNorm {
  int rows = 0;
  int columns = 0;
  float epsilon = 0;
  const float* weight = nullptr;  // [padded columns], padded with zeros.
  const float* bias = nullptr;
};

// Names the noise of one transition (server/adaptation/noise.h).
struct NoiseBlock {
  uint32_t key[2] = {0, 0};
  uint32_t transition = 0;  // h << 16, plus the bank's offset of slots.
  uint32_t decision = 0;
  uint32_t first_particle = 0, particle_step = 1;  // Row r: m = first + r step.
  float scale = 1;
};

// All arrays are as described above. Thread-safe: no state.
struct Kernels {
  const char* name;
  bool half;      // Multiplies in bfloat16 if a product has such weights.
  int best_rows;  // Rows to compute together: whole register blocks.

  void (*multiply)(const Product&);
  void (*weight_gradient)(const WeightGradient&);
  // out[16 t + l] (+)= the sum of column (t, l) over steps and rows; if `in`
  // has data, of the elementwise product with it. Ignores `inputs`.
  void (*column_sums)(const WeightGradient&);

  // x <- f(x); slope <- f'(x) if it has data. [rows, 16 tiles]
  void (*relu)(int rows, int tiles, Matrix x, Matrix slope);
  void (*silu)(int rows, int tiles, Matrix x, Matrix slope);
  void (*tanh)(int rows, int tiles, Matrix x, Matrix slope);
  // x <- LayerNorm(x). For the backward pass, `normal` gets the normal values
  // and `inverse` gets 1 / sqrt(variance + epsilon), in each lane of a tile, if
  // they have data.
  void (*norm)(const LayerNorm&, Matrix x, Matrix normal, Matrix inverse);
  // out = slope * (vector-Jacobian product of LayerNorm with delta)
  void (*norm_adjoint)(const LayerNorm&, Matrix delta, Matrix normal,
                       Matrix inverse, Matrix slope, Matrix out);

  // x <- x + y. [rows, 16 tiles]
  void (*add)(int rows, int tiles, Matrix x, Matrix y);

  // Transposes W: panels [outputs / 16][inputs][16] become panels
  // [inputs / 16][outputs][16].
  void (*transpose)(int inputs, int outputs, const float* panels,
                    ptrdiff_t stride, float* transposed,
                    ptrdiff_t transposed_stride);
  // Fills z[slot] for slot 0..slots - 1, each [rows, size], `slot_step` floats
  // apart.
  void (*noise)(const NoiseBlock&, int slots, int rows, int size, Matrix z,
                ptrdiff_t slot_step);

  // out[r, i] = scale[r, i] * sum over o of in[r, o] w[o, i], from the panels
  // of the forward pass: `inputs` counts o, `depth` counts i. For so few rows
  // that transposing the weights would not pay off. Ignores half_weights, bias
  // and add.
  void (*multiply_transposed)(const Product&, int depth);

  // The rest work on flat arrays of `size` floats, a multiple of 16.
  double (*sum_squares)(size_t size, const float* x);
  double (*squared_distance)(size_t size, const float* x, const float* y);
  // out = x + scale * y
  void (*add_scaled)(size_t size, const float* x, float scale, const float* y,
                     float* out);
  // y = x + scale * y; returns the squared distance of the new y from z.
  double (*ascend)(size_t size, const float* x, float scale, float* y,
                   const float* z);
  // out = x + factor * (y - x)
  void (*interpolate)(size_t size, const float* x, float factor, const float* y,
                      float* out);
};

extern const Kernels kPortableKernels, kAvx2Kernels, kAvx512Kernels;
// AVX-512 with the dot products of AVX512-BF16.
extern const Kernels kAvx512Bf16Kernels;
// AVX-512 with the tiles of AMX-BF16.
extern const Kernels kAmxKernels;

}  // namespace foresight::fused

// All kernels of one variant. Included by VARIANT.cc.
#pragma once

#include "server/adaptation/fused/kernels/elementwise.h"
#include "server/adaptation/fused/kernels/flat.h"
#include "server/adaptation/fused/kernels/gradient.h"
#include "server/adaptation/fused/kernels/noise.h"
#include "server/adaptation/fused/kernels/product.h"

namespace foresight::fused::FORESIGHT_VARIANT {

constexpr Kernels Table(const char* name) {
  Kernels table = {};
  table.name = name;
  table.best_rows = kMaxRows * (kMaxRows < 8 ? 8 : 5);
  table.multiply = Multiply;
  table.weight_gradient = ComputeWeightGradient;
  table.column_sums = ColumnSums;
  table.relu = Activate<ReluFunction>;
  table.silu = Activate<SiluFunction>;
  table.tanh = Activate<TanhFunction>;
  table.norm = Norm;
  table.norm_adjoint = NormAdjoint;
  table.add = Add;
  table.transpose = Transpose;
  table.multiply_transposed = MultiplyTransposed;
  table.noise = Noise;
  table.sum_squares = SumSquares;
  table.squared_distance = SquaredDistance;
  table.add_scaled = AddScaled;
  table.ascend = Ascend;
  table.interpolate = Interpolate;
  return table;
}

}  // namespace foresight::fused::FORESIGHT_VARIANT

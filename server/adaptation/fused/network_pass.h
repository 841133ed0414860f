// Passes some rows through one network, forward and back, on the caller's
// memory.
#pragma once

#include "server/adaptation/fused/kernels/kernels.h"
#include "server/adaptation/fused/packing.h"

namespace foresight::fused {

// With `keep`, `hidden` and `deltas` hold each hidden layer's values at its
// hidden_offset. Otherwise they have two places of `widest` tiles, which even
// and odd layers use in turn.
struct NetworkPass {
  const Kernels* kernels = nullptr;
  const PackedNetwork* network = nullptr;
  int rows = 0;
  Matrix tape;         // [rows, tape_tiles]; forward only: data null.
  Matrix hidden;       // [rows, hidden_tiles], or [rows, 2 widest].
  bool keep = false;   // For `hidden` and `deltas`.
  Matrix deltas;       // Shaped like `hidden`; may share it unless `keep`.
  Matrix norm_deltas;  // [rows, hidden_tiles] adjoints of the layer norms'
                       // outputs; data null: not wanted.
  Matrix first_add;    // [rows, first width] added to the first layer's
                       // sums; data null: none.
  const float* first_bias = nullptr;  // Instead of the first layer's own.
};

// out = network(input). [rows, outputs]
void Forward(const NetworkPass& pass, Matrix input, Matrix out);

// Computes the input's adjoint `input_delta` [rows, inputs], if it has data,
// from the output's adjoint `delta` [rows, outputs] and Forward's tape. Uses
// the layers' transposed weights if they have them. Returns the first hidden
// layer's deltas, which are in pass.deltas.
Matrix Backward(const NetworkPass& pass, Matrix delta, Matrix input_delta);

}  // namespace foresight::fused

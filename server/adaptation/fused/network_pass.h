// One network forward and back for some rows, on memory of the caller.
#pragma once

#include "server/adaptation/fused/kernels.h"
#include "server/adaptation/fused/packing.h"

namespace foresight::fused {

// `hidden` and `deltas` hold each hidden layer's values at its hidden_offset
// where the flag says keep; else two layers by turns, at the even ones' and odd
// ones' places of `widest` tiles each.
struct NetworkPass {
  const Kernels* kernels = nullptr;
  const PackedNetwork* network = nullptr;
  int rows = 0;
  Matrix tape;         // [rows, tape_tiles]; forward only: data null.
  Matrix hidden;       // [rows, hidden_tiles], or [rows, 2 widest].
  bool keep = false;   // Of `hidden` and `deltas`.
  Matrix deltas;       // Like `hidden`; may be it where not kept.
  Matrix norm_deltas;  // [rows, hidden_tiles] adjoints of the layer norms'
                       // outputs; data null: not wanted.
  Matrix first_add;    // [rows, first width] added to the first layer's
                       // sums; data null: none.
  const float* first_bias = nullptr;  // Instead of the first layer's own.
};

// out = network(input). [rows, outputs]
void Forward(const NetworkPass& pass, Matrix input, Matrix out);

// Takes the layers' transposed weights where they have them, else the weights.
// From `delta`, the adjoint of the output [rows, outputs], to that of the
// input, written to `input_delta` [rows, inputs] where its data is not null.
// The tape is Forward's. Returns the first hidden layer's deltas, in
// pass.deltas.
Matrix Backward(const NetworkPass& pass, Matrix delta, Matrix input_delta);

}  // namespace foresight::fused

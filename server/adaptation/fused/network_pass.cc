#include "server/adaptation/fused/network_pass.h"

namespace foresight::fused {
namespace {

Matrix HiddenPlace(const NetworkPass& pass, Matrix all, int layer) {
  return all.Tile(pass.keep ? pass.network->hidden_offset[layer]
                            : layer % 2 * pass.network->widest);
}

// A hidden layer's values for the backward pass; data null without a tape.
struct LayerTape {
  Matrix slope, normal, inverse;
};

LayerTape TapeOf(const NetworkPass& pass, int layer) {
  LayerTape tape;
  if (pass.tape.data == nullptr) return tape;
  tape.slope = pass.tape.Tile(pass.network->tape_offset[layer]);
  if (!pass.network->layer_norm) return tape;
  const int tiles = Tiles(pass.network->layers[layer].outputs);
  tape.normal = tape.slope.Tile(tiles);
  tape.inverse = tape.normal.Tile(tiles);
  return tape;
}

LayerNorm NormOf(const NetworkPass& pass, const PackedLayer& layer) {
  LayerNorm norm;
  norm.rows = pass.rows;
  norm.columns = layer.outputs;
  norm.epsilon = pass.network->layer_norm_epsilon;
  norm.weight = layer.norm_weight;
  norm.bias = layer.norm_bias;
  return norm;
}

void Activate(const NetworkPass& pass, int tiles, Matrix x, Matrix slope) {
  const Kernels& kernels = *pass.kernels;
  switch (pass.network->activation) {
    case Activation::kRelu:
      return kernels.relu(pass.rows, tiles, x, slope);
    case Activation::kSilu:
      return kernels.silu(pass.rows, tiles, x, slope);
    case Activation::kTanh:
      return kernels.tanh(pass.rows, tiles, x, slope);
  }
}

Product LayerProduct(const NetworkPass& pass, int l, Matrix in, Matrix out) {
  Product product = ForwardProduct(pass.network->layers[l], pass.rows, in, out);
  if (l > 0) return product;
  product.add = pass.first_add;
  if (pass.first_bias != nullptr) product.bias = pass.first_bias;
  return product;
}

// Uses the transposed weights if there are any.
void MultiplyBack(const NetworkPass& pass, const PackedLayer& layer,
                  Product product) {
  if (layer.adjoint != nullptr) return pass.kernels->multiply(product);
  product.weights = layer.weight;
  product.panel_stride = PanelStride(layer.inputs);
  pass.kernels->multiply_transposed(product, layer.inputs);
}

}  // namespace

void Forward(const NetworkPass& pass, Matrix input, Matrix out) {
  const int hidden_layers = pass.network->hidden_layers();
  for (int l = 0; l < hidden_layers; ++l) {
    const PackedLayer& layer = pass.network->layers[l];
    const Matrix x = HiddenPlace(pass, pass.hidden, l);
    const LayerTape tape = TapeOf(pass, l);
    pass.kernels->multiply(LayerProduct(pass, l, input, x));
    Activate(pass, Tiles(layer.outputs), x, tape.slope);
    if (pass.network->layer_norm) {
      pass.kernels->norm(NormOf(pass, layer), x, tape.normal, tape.inverse);
    }
    input = x;
  }
  pass.kernels->multiply(LayerProduct(pass, hidden_layers, input, out));
}

Matrix Backward(const NetworkPass& pass, Matrix delta, Matrix input_delta) {
  for (int l = pass.network->hidden_layers(); l > 0; --l) {
    const LayerTape tape = TapeOf(pass, l - 1);
    const Matrix out = HiddenPlace(pass, pass.deltas, l - 1);
    const PackedLayer& layer = pass.network->layers[l];
    Product product = AdjointProduct(layer, pass.rows, delta, out);
    if (!pass.network->layer_norm) {
      product.scale = tape.slope;
      MultiplyBack(pass, layer, product);
    } else {
      if (pass.norm_deltas.data != nullptr) {
        product.out = HiddenPlace(pass, pass.norm_deltas, l - 1);
      }
      MultiplyBack(pass, layer, product);
      pass.kernels->norm_adjoint(NormOf(pass, pass.network->layers[l - 1]),
                                 product.out, tape.normal, tape.inverse,
                                 tape.slope, out);
    }
    delta = out;
  }
  if (input_delta.data != nullptr) {
    const PackedLayer& layer = pass.network->layers[0];
    MultiplyBack(pass, layer,
                 AdjointProduct(layer, pass.rows, delta, input_delta));
  }
  return delta;
}

}  // namespace foresight::fused

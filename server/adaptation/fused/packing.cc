#include "server/adaptation/fused/packing.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace foresight::fused {
namespace {

// Columns of a transpose in one item of work: whole panels.
constexpr int kOutputsPerPart = 4 * kTile;

size_t WeightSize(int inputs, int outputs) {
  return Tiles(outputs) * PanelStride(inputs);
}

size_t PanelIndex(int output, int input, int inputs) {
  return output / kTile * PanelStride(inputs) + size_t(input) * kTile +
         output % kTile;
}

// The nearest bfloat16 to a finite number, ties to even.
uint16_t RoundToHalf(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace

Product ForwardProduct(const PackedLayer& layer, int rows, Matrix in,
                       Matrix out) {
  Product product;
  product.rows = rows;
  product.inputs = layer.inputs;
  product.panels = Tiles(layer.outputs);
  product.in = in;
  product.weights = layer.weight;
  product.half_weights = layer.half_weight;
  product.panel_stride = PanelStride(layer.inputs);
  product.bias = layer.bias;
  product.out = out;
  return product;
}

Product AdjointProduct(const PackedLayer& layer, int rows, Matrix delta,
                       Matrix out) {
  Product product;
  product.rows = rows;
  product.inputs = layer.outputs;
  product.panels = Tiles(layer.inputs);
  product.in = delta;
  product.weights = layer.adjoint;
  product.half_weights = layer.half_adjoint;
  product.panel_stride = PanelStride(layer.outputs);
  product.out = out;
  return product;
}

NetworkLayout::NetworkLayout(const Network& network,
                             std::vector<int> first_inputs)
    : first_inputs_(std::move(first_inputs)) {
  shape_.activation = network.activation;
  shape_.layer_norm = network.layer_norm;
  shape_.layer_norm_epsilon = network.layer_norm_epsilon;
  const auto take = [this](size_t size) {
    return std::exchange(size_, size_ + size);
  };
  for (size_t i = 0; i < network.layers.size(); ++i) {
    PackedLayer layer;
    layer.inputs = i == 0 ? static_cast<int>(first_inputs_.size())
                          : network.layers[i].inputs;
    layer.outputs = network.layers[i].outputs;
    const int tiles = Tiles(layer.outputs);
    const bool hidden = i + 1 < network.layers.size();
    Place place = {};
    place.weight = take(WeightSize(layer.inputs, layer.outputs));
    place.bias = take(tiles * kTile);
    if (hidden && network.layer_norm) {
      place.norm_weight = take(tiles * kTile);
      place.norm_bias = take(tiles * kTile);
    }
    place.adjoint = adjoint_size_;
    adjoint_size_ += WeightSize(layer.outputs, layer.inputs);
    for (int output = 0; output < layer.outputs; output += kOutputsPerPart) {
      parts_.push_back({static_cast<int>(i), output});
    }
    places_.push_back(place);
    shape_.layers.push_back(layer);
    if (!hidden) continue;
    shape_.hidden_offset.push_back(shape_.hidden_tiles);
    shape_.tape_offset.push_back(shape_.tape_tiles);
    shape_.hidden_tiles += tiles;
    shape_.tape_tiles += network.layer_norm ? 2 * tiles + 1 : tiles;
    shape_.widest = std::max(shape_.widest, tiles);
  }
}

void NetworkLayout::Pack(const Network& network, float* flat) const {
  for (size_t l = 0; l < shape_.layers.size(); ++l) {
    const Layer& from = network.layers[l];
    const Place& to = places_[l];
    const int inputs = shape_.layers[l].inputs;
    for (int i = 0; i < inputs; ++i) {
      const int source = l == 0 ? first_inputs_[i] : i;
      if (source < 0) continue;
      for (int o = 0; o < from.outputs; ++o) {
        flat[to.weight + PanelIndex(o, i, inputs)] =
            from.weight[size_t(o) * from.inputs + source];
      }
    }
    std::copy(from.bias.begin(), from.bias.end(), flat + to.bias);
    if (!shape_.layer_norm || l + 1 == places_.size()) continue;
    std::copy(from.norm_weight.begin(), from.norm_weight.end(),
              flat + to.norm_weight);
    std::copy(from.norm_bias.begin(), from.norm_bias.end(),
              flat + to.norm_bias);
  }
}

template <typename F>
void NetworkLayout::ForEachParameter(F f) const {
  for (size_t l = 0; l < shape_.layers.size(); ++l) {
    const PackedLayer& layer = shape_.layers[l];
    const Place& place = places_[l];
    for (int o = 0; o < layer.outputs; ++o) {
      for (int i = 0; i < layer.inputs; ++i) {
        f(place.weight + PanelIndex(o, i, layer.inputs));
      }
    }
    for (int o = 0; o < layer.outputs; ++o) f(place.bias + o);
    if (!shape_.layer_norm || l + 1 == shape_.layers.size()) continue;
    for (int o = 0; o < layer.outputs; ++o) f(place.norm_weight + o);
    for (int o = 0; o < layer.outputs; ++o) f(place.norm_bias + o);
  }
}

void NetworkLayout::Import(absl::Span<const float> values, float* flat) const {
  size_t next = 0;
  ForEachParameter([&](size_t index) { flat[index] = values[next++]; });
}

void NetworkLayout::Export(const float* flat, absl::Span<float> values) const {
  size_t next = 0;
  ForEachParameter([&](size_t index) { values[next++] = flat[index]; });
}

void NetworkLayout::Transpose(const Kernels& kernels, int part,
                              const float* flat, float* adjoint) const {
  const auto& [l, first] = parts_[part];
  const PackedLayer& layer = shape_.layers[l];
  const ptrdiff_t stride = PanelStride(layer.inputs);
  kernels.transpose(
      layer.inputs, std::min(kOutputsPerPart, layer.outputs - first),
      flat + places_[l].weight + first / kTile * stride, stride,
      adjoint + places_[l].adjoint + first * kTile, PanelStride(layer.outputs));
}

PackedNetwork NetworkLayout::Bind(const float* flat,
                                  const float* adjoint) const {
  PackedNetwork network = shape_;
  Bind(flat, adjoint, network);
  return network;
}

void NetworkLayout::Bind(const float* flat, const float* adjoint,
                         PackedNetwork& network) const {
  for (size_t l = 0; l < places_.size(); ++l) {
    PackedLayer& layer = network.layers[l];
    const Place& place = places_[l];
    layer.weight = flat + place.weight;
    layer.bias = flat + place.bias;
    layer.adjoint = adjoint == nullptr ? nullptr : adjoint + place.adjoint;
    if (!shape_.layer_norm || l + 1 == places_.size()) continue;
    layer.norm_weight = flat + place.norm_weight;
    layer.norm_bias = flat + place.norm_bias;
  }
}

std::vector<uint16_t> HalfPanels(const float* panels, int depth, int count) {
  std::vector<uint16_t> half(count * PanelStride(depth));
  for (int p = 0; p < count; ++p) {
    for (int i = 0; i < depth * kTile; ++i) {
      const int row = i / kTile, lane = i % kTile;
      half[p * PanelStride(depth) + row / 2 * 2 * kTile + 2 * lane + row % 2] =
          RoundToHalf(panels[p * PanelStride(depth) + i]);
    }
  }
  return half;
}

std::vector<int> InputRange(int first, int count, bool padded) {
  std::vector<int> range(padded ? Tiles(count) * kTile : count, -1);
  for (int i = 0; i < count; ++i) range[i] = first + i;
  return range;
}

}  // namespace foresight::fused

// Packs a bundle's networks into the form that the kernels read (kernels.h).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "models/bundle/bundle.h"
#include "server/adaptation/fused/buffer.h"
#include "server/adaptation/fused/kernels/kernels.h"

namespace foresight::fused {

// Floats from one panel of `depth` rows to the next. A few floats between
// panels keep them from sharing cache sets when several are read side by side.
constexpr ptrdiff_t PanelStride(int depth) { return (depth + 8) * kTile; }

// One linear layer and its transpose. Does not own its memory.
struct PackedLayer {
  int inputs = 0;
  int outputs = 0;
  const float* weight = nullptr;   // Tiles(outputs) panels, inputs deep.
  const float* adjoint = nullptr;  // Tiles(inputs) panels, outputs deep.
  // The same in bfloat16 (kernels.h), or null.
  const uint16_t* half_weight = nullptr;
  const uint16_t* half_adjoint = nullptr;
  const float* bias = nullptr;         // [Tiles(outputs) * 16]
  const float* norm_weight = nullptr;  // [Tiles(outputs) * 16], or null.
  const float* norm_bias = nullptr;
};

// `in` [rows, inputs] W^T + bias, and `delta` [rows, outputs] W.
Product ForwardProduct(const PackedLayer& layer, int rows, Matrix in,
                       Matrix out);
Product AdjointProduct(const PackedLayer& layer, int rows, Matrix delta,
                       Matrix out);

// A network with places for its hidden layers' results, counted in tiles of a
// common matrix: hidden_offset for activations and deltas, tape_offset for the
// backward pass (slopes; with layer_norm also the normal values and one tile of
// inverse deviations).
struct PackedNetwork {
  Activation activation = Activation::kRelu;
  bool layer_norm = false;
  float layer_norm_epsilon = 0;
  std::vector<PackedLayer> layers;  // Hidden ones, then the head.

  std::vector<int> hidden_offset, tape_offset;  // For each hidden layer.
  int hidden_tiles = 0, tape_tiles = 0;         // In all.
  int widest = 0;                               // The widest layer's tiles.

  int hidden_layers() const { return static_cast<int>(layers.size()) - 1; }
};

// The places of a network's parameters in one flat array in packed form, and of
// its transposed weights in another. Padding is zero.
class NetworkLayout {
 public:
  // `first_inputs` gives, for each row of the first layer's packed weights, its
  // column of the network's input; -1 is padding.
  NetworkLayout(const Network& network, std::vector<int> first_inputs);

  size_t size() const { return size_; }                  // Floats.
  size_t adjoint_size() const { return adjoint_size_; }  // Floats.

  // Writes the bundle's parameters.
  void Pack(const Network& network, float* flat) const;
  // Convert from and to the exchange form; only for a layout with every input.
  // `values` has as many floats as the network has parameters.
  void Import(absl::Span<const float> values, float* flat) const;
  void Export(const float* flat, absl::Span<float> values) const;
  // Writes one part of the transposes of `flat`'s weights. Parts are
  // 0..transpose_parts() - 1 and may be written at the same time.
  void Transpose(const Kernels& kernels, int part, const float* flat,
                 float* adjoint) const;
  int transpose_parts() const { return static_cast<int>(parts_.size()); }

  // The network on these arrays, which outlive it; `adjoint` may be null if
  // only the forward pass is wanted. The second form allocates nothing.
  PackedNetwork Bind(const float* flat, const float* adjoint) const;
  void Bind(const float* flat, const float* adjoint,
            PackedNetwork& network) const;

 private:
  struct TransposePart {
    int layer = 0;
    int first_output = 0;
  };
  struct Place {
    size_t weight, bias, norm_weight, norm_bias, adjoint;
  };
  // Calls f(parameter's index in flat) in the exchange form's order.
  template <typename F>
  void ForEachParameter(F f) const;

  PackedNetwork shape_;  // Without pointers.
  std::vector<int> first_inputs_;
  std::vector<Place> places_;
  std::vector<TransposePart> parts_;
  size_t size_ = 0, adjoint_size_ = 0;
};

// Rounds panels of `depth` rows to bfloat16, to nearest even: half the bytes,
// with the same stride in elements.
std::vector<uint16_t> HalfPanels(const float* panels, int depth, int count);

// Columns first..first + count - 1; with `padded`, padded with -1 to whole
// tiles.
std::vector<int> InputRange(int first, int count, bool padded);

}  // namespace foresight::fused

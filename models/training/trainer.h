// One part's training as a sequence of updates that can be stopped anywhere
// and continued bit for bit.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "models/networks/mlp.h"
#include "models/training/tensor_file.h"

namespace foresight {

// Names and values, in the order of display.
using Measurements = std::vector<std::pair<std::string, double>>;

// Not thread-safe. LibTorch's exceptions pass through it.
class Trainer {
 public:
  virtual ~Trainer() = default;

  // One update on a random batch.
  void Step();
  int64_t step() const;  // Updates done.
  // Mean over the updates since the last call; 0 if there were none.
  double TakeMeanLoss();

  // Measures the weights that would ship now, on held-out rows. Draws the same
  // noise each time, without affecting the random numbers of the training.
  virtual Measurements Evaluate() const = 0;

  // Everything that the next updates depend on, sharing the trainer's storage.
  TensorDict State() const;
  // Errors: InvalidArgument: a tensor is missing or has another shape or type.
  absl::Status Restore(const TensorDict& state);

 protected:
  // Trainers with the same `seed` make the same updates. `device` is where
  // Update() computes.
  explicit Trainer(uint64_t seed, at::Device device = at::kCPU);

  // The loss, a scalar that needs no gradient.
  virtual at::Tensor Update() = 0;
  // The weights and the optimisers' state.
  virtual TensorDict Tensors() const = 0;

  // `count` row numbers below `rows`. Like normal draws, on the device.
  at::Tensor RandomRows(int64_t rows, int64_t count);
  at::Tensor RandomNormal(at::IntArrayRef shape);
  at::Generator& random() { return random_; }

 private:
  at::Device device_;
  at::Generator random_;  // On the CPU, so that all devices draw the same.
  at::Tensor step_;       // int64 scalar.
  // float64 [2] on the device, so that no update waits for its loss: sum and
  // count since TakeMeanLoss.
  at::Tensor losses_;
};

// Random draws, moved to the device where they are used, without waiting for
// the device's earlier work.
at::Tensor ToDevice(const at::Tensor& draws, at::Device device);

// Rows of float32 values on `options`' device: [N, width], or [N] for width 0.
at::Tensor RowsToTensor(const std::vector<float>& values, int64_t width,
                        at::TensorOptions options);

// An Mlp with random weights: hidden W ~ U(+-1/sqrt(fan_in)) and b =
// `hidden_bias`; the head's W and b ~ U(+-head), or as in a hidden layer if
// `head` is 0. Norms begin as the identity. Needs gradients.
struct MlpShape {
  std::vector<int64_t> widths;  // Input, hidden .., output.
  Activation activation = Activation::kRelu;
  bool layer_norm = false;
  double layer_norm_epsilon = 1e-5;
};
Mlp RandomMlp(const MlpShape& shape, double hidden_bias, double head,
              at::Generator& random, at::TensorOptions options);

// The tensors of `mlp`, sharing its storage, under the names of the bundle's
// format, such as `prefix`.layers.0.weight.
TensorDict MlpTensors(const std::string& prefix, const Mlp& mlp);

}  // namespace foresight

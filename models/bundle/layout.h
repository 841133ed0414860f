// The tensors of a bundle, with their shapes and ranges
// (docs/bundle-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "models/bundle/tensor.h"
#include "proto/bundle.pb.h"

namespace foresight {

// The smallest standard deviation allowed.
inline constexpr float kMinStd = 1e-6f;

struct TensorSpec {
  std::string name;
  std::vector<int64_t> shape;
  bool is_std = false;  // A standard deviation: each value >= kMinStd.
};

// A network's tensors by their names in the file: "<prefix>.layers.<i>.weight",
// ".bias" and, with layer_norm, "<prefix>.norms.<i>.weight", ".bias" of each
// hidden layer; in this order, layer by layer, the head last.
std::vector<TensorSpec> NetworkTensors(absl::string_view prefix,
                                       const v1::Network& network, int inputs,
                                       int outputs);

// Every tensor of a bundle whose manifest CheckManifest accepts.
std::vector<TensorSpec> BundleTensors(const v1::Bundle& manifest);

// The input sizes of a checked manifest's networks: S + A, and for the dynamics
// S + S + A + T.
int StateActionSize(const v1::Bundle& manifest);
int DynamicsInputs(const v1::Bundle& manifest);

// Checks that `tensors` are those of `specs` and no others.
// Errors:
//   InvalidArgument: a tensor, which the message names, is missing, is not
//                    expected, has another shape, holds a value that is not
//                    finite or a standard deviation below kMinStd.
absl::Status CheckTensors(const std::vector<TensorSpec>& specs,
                          const TensorMap& tensors);

}  // namespace foresight

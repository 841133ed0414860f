// The device that a user names.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "absl/status/statusor.h"

namespace foresight {

// float32 tensors on "cpu", "cuda" or "cuda:N".
// Errors:
//   InvalidArgument: another text.
//   Unavailable:     this machine or this build has no such device.
absl::StatusOr<at::TensorOptions> TensorsOn(const std::string& device);

}  // namespace foresight

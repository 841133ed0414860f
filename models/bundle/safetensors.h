// The safetensors file format, float32 only: an 8-byte little-endian header
// length, a JSON header, then row-major data without holes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "models/bundle/tensor.h"

namespace foresight {

// Longer headers are refused: 4 MiB holds some forty thousand tensors.
inline constexpr size_t kMaxSafetensorsHeader = size_t{4} << 20;

// Parses the bytes of a whole file. Nothing is allocated for a tensor before
// its shape is known to fit its place in the file. `__metadata__` is allowed
// and dropped. Values may be anything, even NaN.
// Errors:
//   InvalidArgument: the header does not fit in the file or is not valid JSON
//                    of the format; a tensor, which the message names, occurs
//                    twice, is not F32, or its shape and offsets disagree;
//                    tensors overlap; or some bytes belong to no tensor.
absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes);

// The bytes of a whole file: the tensors in the map's order, and a header
// padded with spaces so that the data begins at a multiple of 8. The same
// tensors give the same bytes. Each tensor must hold as many values as its
// shape says.
std::string FormatSafetensors(const TensorMap& tensors);

}  // namespace foresight

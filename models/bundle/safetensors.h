// The safetensors file format, float32 only: an 8-byte little-endian header
// length, a JSON header, then row-major data without holes.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "models/bundle/tensor.h"

namespace foresight {

// Longer headers are refused: 4 MiB is some forty thousand tensors.
inline constexpr size_t kMaxSafetensorsHeader = size_t{4} << 20;

// The tensors in a whole file's `bytes`. Nothing is allocated for a tensor
// before its shape and its place in the file are known to fit; `__metadata__`
// is allowed and dropped. Values may be anything, NaN too.
// Errors:
//   InvalidArgument: the header does not fit in the file or is no JSON of the
//                    format; a tensor, which the message names, occurs twice,
//                    is not F32, or its shape and offsets do not agree; tensors
//                    overlap, or there are bytes that belong to none.
absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes);

// A whole file: the tensors in the map's order, the header padded with spaces
// so that data begins at a multiple of 8. The same tensors give the same bytes.
// Each tensor must hold as many values as its shape says.
std::string FormatSafetensors(const TensorMap& tensors);

}  // namespace foresight

// The safetensors file format: an 8-byte little-endian header length, a JSON
// header, then row-major data without holes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "models/bundle/tensor.h"

namespace foresight {

// Longer headers are refused: 4 MiB holds some forty thousand tensors.
inline constexpr size_t kMaxSafetensorsHeader = size_t{4} << 20;

// A tensor as a file holds it.
struct StoredTensor {
  std::string type;  // "F32".
  std::vector<int64_t> shape;
  absl::string_view bytes;  // Row-major, not owned.
};

struct StoredTensors {
  std::map<std::string, StoredTensor> tensors;
  std::map<std::string, std::string> metadata;
};

// The size of a value in bytes, by the name of its type.
using ValueSizes = std::map<std::string, size_t>;

// Parses the bytes of a whole file, which must outlive the result. The tensors
// may have any of `types` and any values, even NaN. Nothing is allocated for a
// tensor. Metadata that are not text are dropped. Errors:
//   InvalidArgument: the header does not fit in the file or is not valid JSON
//                    of the format; a tensor, which the message names, occurs
//                    twice, has another type, or its shape and offsets
//                    disagree; tensors overlap; or some bytes belong to no
//                    tensor.
absl::StatusOr<StoredTensors> ParseSafetensors(absl::string_view bytes,
                                               const ValueSizes& types);

// The bytes of a whole file: the tensors in the map's order, and a header
// padded with spaces so that the data begins at a multiple of 8. The same
// tensors give the same bytes. Each tensor must hold as many values as its
// shape says.
std::string FormatSafetensors(const StoredTensors& stored);

// The same two functions for float32 alone, without metadata.
absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes);
std::string FormatSafetensors(const TensorMap& tensors);

}  // namespace foresight

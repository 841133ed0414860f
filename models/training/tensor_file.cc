#include "models/training/tensor_file.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "models/bundle/safetensors.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr size_t kLongestFile = size_t{1} << 34;

constexpr std::pair<at::ScalarType, const char*> kTypes[] = {
    {at::kFloat, "F32"},
    {at::kDouble, "F64"},
    {at::kLong, "I64"},
    {at::kByte, "U8"},
};

std::string TypeName(at::ScalarType type) {
  for (const auto& [scalar, name] : kTypes) {
    if (scalar == type) return name;
  }
  return "";
}

// `name` is one of kTypes.
at::ScalarType TypeOf(const std::string& name) {
  return std::find_if(std::begin(kTypes), std::end(kTypes),
                      [&name](const auto& type) { return type.second == name; })
      ->first;
}

ValueSizes Types() {
  ValueSizes sizes;
  for (const auto& [scalar, name] : kTypes) {
    sizes[name] = c10::elementSize(scalar);
  }
  return sizes;
}

}  // namespace

absl::Status SaveTensorFile(const std::filesystem::path& path,
                            const TensorFile& file) {
  StoredTensors stored;
  stored.metadata = file.metadata;
  std::vector<at::Tensor> tensors;
  for (const auto& [name, original] : file.tensors) {
    const at::Tensor tensor = original.detach().cpu().contiguous();
    stored.tensors[name] = {
        TypeName(tensor.scalar_type()), tensor.sizes().vec(),
        absl::string_view(static_cast<const char*>(tensor.const_data_ptr()),
                          tensor.nbytes())};
    tensors.push_back(tensor);
  }
  return WriteFileAtomically(path, FormatSafetensors(stored));
}

absl::StatusOr<TensorFile> LoadTensorFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kLongestFile));
  const absl::StatusOr<StoredTensors> stored = ParseSafetensors(text, Types());
  if (!stored.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path.string(), ": ", stored.status().message()));
  }
  TensorFile file;
  file.metadata = stored->metadata;
  for (const auto& [name, from] : stored->tensors) {
    at::Tensor tensor =
        at::empty(from.shape, at::TensorOptions(TypeOf(from.type)));
    if (!from.bytes.empty()) {
      std::memcpy(tensor.mutable_data_ptr(), from.bytes.data(),
                  from.bytes.size());
    }
    file.tensors[name] = std::move(tensor);
  }
  return file;
}

}  // namespace foresight

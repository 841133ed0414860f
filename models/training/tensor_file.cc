#include "models/training/tensor_file.h"

#include <ATen/ops/empty.h>

#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

using nlohmann::json;

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

std::optional<at::ScalarType> TypeOf(const std::string& name) {
  for (const auto& [scalar, text] : kTypes) {
    if (name == text) return scalar;
  }
  return std::nullopt;
}

absl::Status Broken(const std::filesystem::path& path,
                    const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat(path.string(), ": ", what));
}

// The tensor that `entry` of the header describes.
absl::StatusOr<at::Tensor> ReadTensor(const json& entry,
                                      const std::string& data) {
  const std::optional<at::ScalarType> type =
      TypeOf(entry.at("dtype").get<std::string>());
  const auto shape = entry.at("shape").get<std::vector<int64_t>>();
  const auto offsets = entry.at("data_offsets").get<std::vector<uint64_t>>();
  if (!type.has_value() || offsets.size() != 2 || offsets[1] > data.size() ||
      offsets[0] > offsets[1]) {
    return absl::InvalidArgumentError("its entry in the header is wrong");
  }
  uint64_t bytes = c10::elementSize(*type);
  for (const int64_t size : shape) {
    if (size < 0 || (size > 0 && bytes > data.size() / size)) {
      return absl::InvalidArgumentError("its shape does not fit the file");
    }
    bytes *= size;
  }
  if (bytes != offsets[1] - offsets[0]) {
    return absl::InvalidArgumentError("its shape does not fit its data");
  }
  at::Tensor tensor = at::empty(shape, at::TensorOptions(*type));
  std::memcpy(tensor.mutable_data_ptr(), data.data() + offsets[0], bytes);
  return tensor;
}

absl::StatusOr<TensorFile> Parse(const std::filesystem::path& path,
                                 const std::string& text) {
  uint64_t length = 0;
  if (text.size() < sizeof(length)) return Broken(path, "is cut short");
  std::memcpy(&length, text.data(), sizeof(length));
  if (length > text.size() - sizeof(length)) {
    return Broken(path, "is cut short");
  }
  const json header = json::parse(text.substr(sizeof(length), length), nullptr,
                                  /*allow_exceptions=*/false);
  if (!header.is_object()) return Broken(path, "its header is not JSON");
  const std::string data = text.substr(sizeof(length) + length);
  TensorFile file;
  for (const auto& [name, entry] : header.items()) {
    try {
      if (name == "__metadata__") {
        file.metadata = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      absl::StatusOr<at::Tensor> tensor = ReadTensor(entry, data);
      if (!tensor.ok()) {
        return Broken(path,
                      absl::StrCat(name, ": ", tensor.status().message()));
      }
      file.tensors[name] = *std::move(tensor);
    } catch (const json::exception&) {
      return Broken(path, absl::StrCat(name,
                                       ": its entry in the header is "
                                       "wrong"));
    }
  }
  return file;
}

}  // namespace

absl::Status SaveTensorFile(const std::filesystem::path& path,
                            const TensorFile& file) {
  json header = json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::vector<at::Tensor> tensors;
  uint64_t offset = 0;
  for (const auto& [name, original] : file.tensors) {
    const at::Tensor tensor = original.detach().cpu().contiguous();
    header[name] = {{"dtype", TypeName(tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
    tensors.push_back(tensor);
  }
  const std::string text = header.dump();
  const uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof(length));
  bytes += text;
  for (const at::Tensor& tensor : tensors) {
    bytes.append(static_cast<const char*>(tensor.const_data_ptr()),
                 tensor.nbytes());
  }
  return WriteFileAtomically(path, bytes);
}

absl::StatusOr<TensorFile> LoadTensorFile(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kLongestFile));
  return Parse(path, text);
}

}  // namespace foresight

#include "models/bundle/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/bundle/strict_json.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

using nlohmann::json;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "data is copied as it lies in the file");

constexpr size_t kLengthBytes = 8;
constexpr size_t kMaxRank = 8;
constexpr char kMetadata[] = "__metadata__";
constexpr char kFloat32[] = "F32";

// A tensor's place: [begin, end) of the data after the header.
struct Entry {
  std::string name;
  std::string type;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

template <typename... Parts>
absl::Status Wrong(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The header's JSON text, checked against the file's size.
absl::StatusOr<absl::string_view> HeaderText(absl::string_view bytes) {
  if (bytes.size() < kLengthBytes) {
    return Wrong("the file has ", bytes.size(),
                 " bytes, expected at least the 8 of the header's length");
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  const uint64_t most = bytes.size() - kLengthBytes;
  if (length > most) {
    return Wrong("the header's length is ", length, " bytes, expected at most ",
                 most, ", what follows it in the file");
  }
  if (length > kMaxSafetensorsHeader) {
    return Wrong("the header's length is ", length, " bytes, expected at most ",
                 kMaxSafetensorsHeader);
  }
  return bytes.substr(kLengthBytes, length);
}

// The integers in the array `field`, which has at most `most` of them.
absl::StatusOr<std::vector<uint64_t>> Numbers(const json& entry,
                                              const char* field, size_t most) {
  const auto found = entry.find(field);
  if (found == entry.end() || !found->is_array() || found->size() > most) {
    return Wrong("expected ", field, " to be an array of at most ", most,
                 " numbers");
  }
  std::vector<uint64_t> numbers;
  for (const json& number : *found) {
    if (!number.is_number_unsigned()) {
      return Wrong(field, " holds ", Printable(number.dump()),
                   ", expected whole numbers >= 0");
    }
    numbers.push_back(number.get<uint64_t>());
  }
  return numbers;
}

// The size of a tensor in bytes; none if the number overflows.
std::optional<uint64_t> SizeInBytes(const std::vector<uint64_t>& shape,
                                    size_t value_size) {
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  uint64_t size = value_size;
  for (const uint64_t extent : shape) {
    if (extent > kMost) return std::nullopt;
    if (extent > 0 && size > kMost / extent) return std::nullopt;
    size *= extent;
  }
  return size;
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", text, "\"");
}

absl::StatusOr<Entry> ParseEntry(const std::string& name,
                                 const json& json_entry,
                                 const ValueSizes& types, uint64_t data_size) {
  if (!json_entry.is_object()) return Wrong("expected a JSON object");
  for (const auto& [field, value] : json_entry.items()) {
    if (field != "dtype" && field != "shape" && field != "data_offsets") {
      return Wrong("unknown field ", Printable(field));
    }
  }
  const std::string dtype = json_entry.value("dtype", json("missing")).dump();
  const auto type = std::find_if(
      types.begin(), types.end(),
      [&dtype](const auto& allowed) { return dtype == Quoted(allowed.first); });
  if (type == types.end()) {
    return Wrong(
        "dtype is ", Printable(dtype), ", expected ",
        absl::StrJoin(types, " or ", [](std::string* out, const auto& allowed) {
          *out += Quoted(allowed.first);
        }));
  }
  ASSIGN_OR_RETURN(const auto shape, Numbers(json_entry, "shape", kMaxRank));
  ASSIGN_OR_RETURN(const auto offsets, Numbers(json_entry, "data_offsets", 2));
  if (offsets.size() != 2 || offsets[0] > offsets[1] ||
      offsets[1] > data_size) {
    return Wrong("data_offsets is [", absl::StrJoin(offsets, ", "),
                 "], expected [begin, end] within the file's ", data_size,
                 " bytes of data");
  }
  const std::optional<uint64_t> size = SizeInBytes(shape, type->second);
  if (size != offsets[1] - offsets[0]) {
    return Wrong("data_offsets span ", offsets[1] - offsets[0],
                 " bytes, expected ",
                 size.has_value() ? absl::StrCat(*size) : "more than there are",
                 " for shape [", absl::StrJoin(shape, ", "), "]");
  }
  return Entry{
      name, type->first, {shape.begin(), shape.end()}, offsets[0], offsets[1]};
}

// Checks that `entries` cover each byte of the data exactly once.
absl::Status CheckTiling(std::vector<Entry>& entries, uint64_t data_size) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered) {
      return Wrong("tensor ", Printable(entry.name), ": data begins at ",
                   entry.begin, ", expected ", covered,
                   ", where the data before it ends (",
                   entry.begin < covered ? "overlap" : "hole", ")");
    }
    covered = entry.end;
  }
  if (covered != data_size) {
    return Wrong("the tensors' data ends at ", covered, ", expected ",
                 data_size, ", the end of the file (trailing bytes)");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StoredTensors> ParseSafetensors(absl::string_view bytes,
                                               const ValueSizes& types) {
  ASSIGN_OR_RETURN(const absl::string_view text, HeaderText(bytes));
  const absl::StatusOr<json> header = ParseStrictJson(text);
  if (!header.ok()) return Wrong("header: ", header.status().message());
  const absl::string_view data = bytes.substr(kLengthBytes + text.size());
  StoredTensors stored;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header->items()) {
    if (name == kMetadata) {
      for (const auto& [key, item] : value.items()) {
        if (item.is_string()) stored.metadata[key] = item.get<std::string>();
      }
      continue;
    }
    absl::StatusOr<Entry> entry = ParseEntry(name, value, types, data.size());
    if (!entry.ok()) {
      return Wrong("tensor ", Printable(name), ": ", entry.status().message());
    }
    entries.push_back(*std::move(entry));
  }
  RETURN_IF_ERROR(CheckTiling(entries, data.size()));
  for (Entry& entry : entries) {
    stored.tensors[std::move(entry.name)] = {
        std::move(entry.type), std::move(entry.shape),
        data.substr(entry.begin, entry.end - entry.begin)};
  }
  return stored;
}

std::string FormatSafetensors(const StoredTensors& stored) {
  json header = json::object();
  if (!stored.metadata.empty()) header[kMetadata] = stored.metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : stored.tensors) {
    const uint64_t end = offset + tensor.bytes.size();
    header[name] = {{"dtype", tensor.type},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t length = text.size();
  std::string bytes(kLengthBytes, '\0');
  std::memcpy(bytes.data(), &length, kLengthBytes);
  bytes.reserve(kLengthBytes + text.size() + offset);
  bytes += text;
  for (const auto& [name, tensor] : stored.tensors) {
    bytes.append(tensor.bytes.data(), tensor.bytes.size());
  }
  return bytes;
}

absl::StatusOr<TensorMap> ParseSafetensors(absl::string_view bytes) {
  ASSIGN_OR_RETURN(const StoredTensors stored,
                   ParseSafetensors(bytes, {{kFloat32, sizeof(float)}}));
  TensorMap tensors;
  for (const auto& [name, from] : stored.tensors) {
    Tensor tensor{from.shape, {}};
    tensor.values.resize(from.bytes.size() / sizeof(float));
    if (!tensor.values.empty()) {
      std::memcpy(tensor.values.data(), from.bytes.data(), from.bytes.size());
    }
    tensors.emplace(name, std::move(tensor));
  }
  return tensors;
}

std::string FormatSafetensors(const TensorMap& tensors) {
  StoredTensors stored;
  for (const auto& [name, tensor] : tensors) {
    stored.tensors[name] = {
        kFloat32, tensor.shape,
        absl::string_view(reinterpret_cast<const char*>(tensor.values.data()),
                          tensor.values.size() * sizeof(float))};
  }
  return FormatSafetensors(stored);
}

}  // namespace foresight

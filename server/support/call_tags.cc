#include "server/support/call_tags.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace foresight {
namespace {

constexpr size_t kMaxBytes = 128;

bool IsLowerHex(absl::string_view text, size_t size) {
  return text.size() == size &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

bool IsZero(absl::string_view text) {
  return text.find_first_not_of('0') == absl::string_view::npos;
}

}  // namespace

bool IsRequestId(absl::string_view text) {
  return !text.empty() && text.size() <= kMaxBytes &&
         std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

bool IsTraceparent(absl::string_view text) {
  constexpr size_t kSize = 55;
  if (text.size() < kSize || text.size() > kMaxBytes) return false;
  const absl::string_view version = text.substr(0, 2);
  const absl::string_view trace = text.substr(3, 32);
  const absl::string_view parent = text.substr(36, 16);
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  if (!IsLowerHex(version, 2) || version == "ff") return false;
  if (!IsLowerHex(trace, 32) || IsZero(trace)) return false;
  if (!IsLowerHex(parent, 16) || IsZero(parent)) return false;
  if (!IsLowerHex(text.substr(53, 2), 2)) return false;
  if (text.size() == kSize) return true;
  return version != "00" && text[kSize] == '-' && IsRequestId(text);
}

}  // namespace foresight

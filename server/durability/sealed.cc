#include "server/durability/sealed.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "models/bundle/sha256.h"

namespace foresight {

std::string Seal(absl::string_view format, absl::string_view content) {
  return absl::StrCat(format, "\n", Sha256Hex(content), "\n", content);
}

absl::StatusOr<std::string> Unseal(absl::string_view format,
                                   absl::string_view sealed) {
  constexpr size_t kDigestBytes = 64;
  const absl::string_view begin = sealed.substr(0, format.size());
  if (!absl::ConsumePrefix(&sealed, format) ||
      !absl::ConsumePrefix(&sealed, "\n")) {
    return absl::DataLossError(absl::StrCat("it begins with \"",
                                            absl::CHexEscape(begin),
                                            "\", expected \"", format, "\""));
  }
  const absl::string_view digest = sealed.substr(0, kDigestBytes);
  sealed.remove_prefix(digest.size());
  if (!absl::ConsumePrefix(&sealed, "\n") || Sha256Hex(sealed) != digest) {
    return absl::DataLossError("its checksum does not match its content");
  }
  return std::string(sealed);
}

}  // namespace foresight

#include "server/durability/redis_address.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace foresight {
namespace {

// None if a % is not followed by two hexadecimal digits.
std::optional<std::string> Decode(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size() || !absl::ascii_isxdigit(text[i + 1]) ||
        !absl::ascii_isxdigit(text[i + 2])) {
      return std::nullopt;
    }
    decoded += absl::HexStringToBytes(text.substr(i + 1, 2));
    i += 2;
  }
  return decoded;
}

absl::Status Wrong(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("the store's address ", what,
                   ", expected redis://[[USER]:PASSWORD@]HOST[:PORT], or "
                   "rediss:// for TLS"));
}

// Splits HOST[:PORT] or [HOST][:PORT].
bool SplitHost(absl::string_view text, RedisAddress& address) {
  absl::string_view host = text, port = "6379";
  if (absl::ConsumePrefix(&text, "[")) {
    const size_t end = text.find(']');
    if (end == absl::string_view::npos) return false;
    host = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (!text.empty() && !absl::ConsumePrefix(&text, ":")) return false;
    if (!text.empty()) port = text;
  } else if (const size_t colon = text.find(':');
             colon != absl::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  int number;
  if (!absl::SimpleAtoi(port, &number) || number < 1 || number > 65535) {
    return false;
  }
  address.host = std::string(host);
  address.port = std::string(port);
  return !host.empty();
}

}  // namespace

std::string RedisAddress::ToString() const {
  const bool v6 = absl::StrContains(host, ':');
  return absl::StrCat(tls ? "rediss" : "redis", "://", v6 ? "[" : "", host,
                      v6 ? "]" : "", ":", port);
}

absl::StatusOr<RedisAddress> ParseRedisAddress(absl::string_view uri) {
  RedisAddress address;
  if (absl::ConsumePrefix(&uri, "rediss://")) {
    address.tls = true;
  } else if (!absl::ConsumePrefix(&uri, "redis://")) {
    return Wrong("does not begin with redis:// or rediss://");
  }
  absl::ConsumeSuffix(&uri, "/");
  if (const size_t at = uri.rfind('@'); at != absl::string_view::npos) {
    const absl::string_view login = uri.substr(0, at);
    const size_t colon = login.find(':');
    if (colon == absl::string_view::npos) return Wrong("has no password");
    auto user = Decode(login.substr(0, colon));
    auto password = Decode(login.substr(colon + 1));
    if (!user || !password || password->empty()) {
      return Wrong("has a user or a password that cannot be read");
    }
    address.user = *std::move(user);
    address.password = *std::move(password);
    uri.remove_prefix(at + 1);
  }
  if (!SplitHost(uri, address)) {
    return Wrong(
        absl::StrCat("has the host and port \"", absl::CHexEscape(uri), "\""));
  }
  return address;
}

}  // namespace foresight

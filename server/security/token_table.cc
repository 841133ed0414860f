#include "server/security/token_table.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "models/bundle/sha256.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kDigestDigits = 64;

bool IsGraphic(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), absl::ascii_isgraph);
}

bool IsDigest(absl::string_view text) {
  return text.size() == kDigestDigits &&
         text.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

}  // namespace

absl::StatusOr<TokenTable::Row> TokenTable::ParseRow(absl::string_view line) {
  const std::vector<std::string> fields =
      absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
  if (fields.size() != 3) {
    return absl::InvalidArgumentError(absl::StrCat(
        "has ", fields.size(), " fields, expected 3: name role sha256"));
  }
  if (fields[0].size() > kMaxNameBytes || !IsGraphic(fields[0])) {
    return absl::InvalidArgumentError(
        absl::StrCat("has a wrong name, expected at most ", kMaxNameBytes,
                     " printable ASCII characters"));
  }
  if (fields[1] != "act" && fields[1] != "admin") {
    return absl::InvalidArgumentError(
        "has an unknown role, expected act or admin");
  }
  if (!IsDigest(fields[2])) {
    return absl::InvalidArgumentError(
        "has no SHA-256 in its third field, expected 64 lower-case hex digits");
  }
  return Row{fields[2],
             {fields[0], fields[1] == "admin" ? Role::kAdmin : Role::kAct}};
}

absl::StatusOr<TokenTable> TokenTable::Parse(absl::string_view text) {
  TokenTable table;
  absl::flat_hash_set<std::string> seen;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line.front() == '#') continue;
    absl::StatusOr<Row> row = ParseRow(line);
    if (row.ok() && !seen.insert(row->sha256).second) {
      row = absl::InvalidArgumentError("repeats the token of another line");
    }
    if (!row.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("line ", number, " ", row.status().message()));
    }
    if (table.size() == kMostTokens) {
      return absl::InvalidArgumentError(absl::StrCat(
          "more than ", kMostTokens, " tokens are listed, expected fewer"));
    }
    table.rows_.push_back(*std::move(row));
  }
  if (table.rows_.empty()) {
    return absl::InvalidArgumentError(
        "no token is listed, expected lines of name role sha256");
  }
  return table;
}

absl::StatusOr<TokenTable> TokenTable::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxFileBytes));
  absl::StatusOr<TokenTable> table = Parse(text);
  if (table.ok()) return table;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", table.status().message()));
}

const TokenTable::Holder* TokenTable::Find(absl::string_view token) const {
  const std::string digest = Sha256Hex(token);
  const Holder* found = nullptr;
  // No early exit, so that the time reveals nothing about the tokens.
  for (const Row& row : rows_) {
    if (CRYPTO_memcmp(row.sha256.data(), digest.data(), kDigestDigits) == 0) {
      found = &row.holder;
    }
  }
  return found;
}

}  // namespace foresight

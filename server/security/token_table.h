// The bearer tokens that a server accepts. The table has only their SHA-256, so
// reading its file gives no token away.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

// kAdmin includes kAct.
enum class Role { kAct, kAdmin };

// Immutable.
class TokenTable {
 public:
  // A name may hold several tokens, so that a new one can be handed out before
  // the old one is withdrawn.
  struct Holder {
    std::string name;
    Role role = Role::kAct;

    bool operator==(const Holder& other) const {
      return name == other.name && role == other.role;
    }
  };

  // Limited, since each call is compared with all tokens.
  static constexpr size_t kMostTokens = 4096;
  static constexpr size_t kMaxFileBytes = 1 << 20;

  // `text` has a line "name role sha256" for each token: a name of at most 128
  // printable ASCII characters without a space, the role (act or admin), and 64
  // lower-case hex digits. Empty lines and lines that begin with # are skipped.
  // Errors:
  //   InvalidArgument: a line is malformed or repeats a token, no token is
  //                    listed, or too many are. The message has the line's
  //                    number but does not quote it, since it may hold a token
  //                    by mistake.
  static absl::StatusOr<TokenTable> Parse(absl::string_view text);

  // Parses a file of at most kMaxFileBytes. Errors: also as ReadFile. Every
  // message begins with the path.
  static absl::StatusOr<TokenTable> Load(const std::string& path);

  // Returns null for an unknown token. Takes the same time for all tokens of
  // one length.
  const Holder* Find(absl::string_view token) const;

  size_t size() const { return rows_.size(); }
  bool operator==(const TokenTable& other) const {
    return rows_ == other.rows_;
  }

 private:
  struct Row {
    std::string sha256;  // 64 hex digits.
    Holder holder;

    bool operator==(const Row& other) const {
      return sha256 == other.sha256 && holder == other.holder;
    }
  };

  static absl::StatusOr<Row> ParseRow(absl::string_view line);

  std::vector<Row> rows_;
};

}  // namespace foresight

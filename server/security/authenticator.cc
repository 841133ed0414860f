#include "server/security/authenticator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

// Health probes have no secrets, and learn only whether the server serves.
constexpr absl::string_view kHealth = "/grpc.health.v1.Health/";
constexpr absl::string_view kAdmin = "/foresight.v1.Admin/";

// Identities are logged and used in keys.
bool HasControlCharacters(absl::string_view name) {
  return std::any_of(name.begin(), name.end(), absl::ascii_iscntrl);
}

absl::StatusOr<absl::string_view> TokenOf(const CallEvidence& evidence) {
  if (evidence.authorization.empty()) {
    return MakeError(Reason::kUnauthenticated,
                     "the call has no token, expected authorization in its "
                     "metadata: Bearer TOKEN");
  }
  if (evidence.authorization.size() > 1) {
    return MakeError(
        Reason::kUnauthenticated,
        absl::StrCat("the call has ", evidence.authorization.size(),
                     " authorization entries in its metadata, expected one: "
                     "Bearer TOKEN"));
  }
  const absl::string_view value = evidence.authorization.front();
  // RFC 9110: the scheme's case does not matter.
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(value, kScheme)) {
    return MakeError(Reason::kUnauthenticated,
                     "the authorization is not a bearer token, expected Bearer "
                     "TOKEN");
  }
  return value.substr(kScheme.size());
}

}  // namespace

void Authenticator::Replace(std::shared_ptr<const TokenTable> tokens) {
  absl::MutexLock lock(&mutex_);
  tokens_.swap(tokens);
}

std::shared_ptr<const TokenTable> Authenticator::tokens() const {
  absl::MutexLock lock(&mutex_);
  return tokens_;
}

bool Authenticator::required() const {
  return certificates_ || tokens() != nullptr;
}

absl::StatusOr<std::string> Authenticator::Identify(
    const CallEvidence& evidence) const {
  if (absl::StartsWith(evidence.method, kHealth)) return "";
  if (const auto table = tokens()) {
    ASSIGN_OR_RETURN(const absl::string_view token, TokenOf(evidence));
    const TokenTable::Holder* holder = table->Find(token);
    if (holder == nullptr) {
      return MakeError(Reason::kUnauthenticated,
                       "the token is not known to this server, expected one "
                       "whose SHA-256 is in the server's token file");
    }
    if (absl::StartsWith(evidence.method, kAdmin) &&
        holder->role != Role::kAdmin) {
      return MakeError(Reason::kPermissionDenied,
                       absl::StrCat("the token of ", holder->name,
                                    " has the role act, expected admin"));
    }
    return holder->name;
  }
  if (!certificates_) return "";
  if (evidence.certificate_name.empty()) {
    return MakeError(Reason::kUnauthenticated,
                     "the client certificate has no name, expected a subject "
                     "alternative name or a common name");
  }
  if (HasControlCharacters(evidence.certificate_name)) {
    return MakeError(Reason::kUnauthenticated,
                     "the client certificate's name has a control character, "
                     "expected none");
  }
  if (absl::StartsWith(evidence.method, kAdmin)) {
    return MakeError(Reason::kPermissionDenied,
                     "a certificate has no role, expected a token with the "
                     "role admin");
  }
  return std::string(evidence.certificate_name);
}

}  // namespace foresight

// Identifies a caller from its call and its connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "server/security/token_table.h"

namespace foresight {

// The evidence in a call. Does not own its text.
struct CallEvidence {
  absl::string_view method;  // "/foresight.v1.Adaptation/Act"
  // All values of the call's metadata "authorization".
  std::vector<absl::string_view> authorization;
  // The first subject alternative name, else the common name, of the verified
  // client certificate; empty if there is none.
  absl::string_view certificate_name;
};

// Thread-safe.
class Authenticator {
 public:
  // With `tokens`, calls need a token, which gives the identity. Else, with
  // `certificates`, the client's certificate gives it. With neither, callers
  // have no identity. Only tokens have roles, so if callers have an identity,
  // administrators need a token. The TLS handshake, not this class, demands the
  // certificate.
  Authenticator(bool certificates, std::shared_ptr<const TokenTable> tokens)
      : certificates_(certificates), tokens_(std::move(tokens)) {}

  // Uses `tokens` for later calls. The constructor must have got tokens, too.
  void Replace(std::shared_ptr<const TokenTable> tokens)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether callers need an identity.
  bool required() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The caller's identity; empty for health checks, and if no caller needs one.
  // Errors, which never quote the token:
  //   UNAUTHENTICATED:   no token or an unknown one; a certificate without a
  //                      name, or with a control character in the name.
  //   PERMISSION_DENIED: the token's role may not call the method.
  absl::StatusOr<std::string> Identify(const CallEvidence& evidence) const
      ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  std::shared_ptr<const TokenTable> tokens() const ABSL_LOCKS_EXCLUDED(mutex_);

  const bool certificates_;
  mutable absl::Mutex mutex_;
  std::shared_ptr<const TokenTable> tokens_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight

// Decides who a caller is, from what its call and its connection show.
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

// What a call shows. Does not own its text.
struct CallEvidence {
  absl::string_view method;  // "/foresight.v1.Adaptation/Act"
  // Each value of the call's metadata named authorization.
  std::vector<absl::string_view> authorization;
  // The first subject alternative name, else the common name, of the client
  // certificate that the handshake verified; empty if there is none.
  absl::string_view certificate_name;
};

// Thread-safe.
class Authenticator {
 public:
  // With `tokens`, calls need a token, which gives the identity. Else, with
  // `certificates`, the client's certificate gives it. With neither, callers
  // have no identity. Only tokens have roles: where callers have an identity,
  // administration takes a token. The handshake demands the certificate, not
  // this class.
  Authenticator(bool certificates, std::shared_ptr<const TokenTable> tokens)
      : certificates_(certificates), tokens_(std::move(tokens)) {}

  // The calls that follow see `tokens`. Requires tokens at construction.
  void Replace(std::shared_ptr<const TokenTable> tokens)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Whether callers need an identity.
  bool required() const ABSL_LOCKS_EXCLUDED(mutex_);

  // The caller's identity; empty for health checks, which need none, and where
  // nobody needs one.
  // Errors, which never quote the token:
  //   UNAUTHENTICATED:   no token or an unknown one; a certificate without a
  //                      name, or with a control character in it.
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

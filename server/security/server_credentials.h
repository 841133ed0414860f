// Credentials for a listening address: gRPC asks them for the certificate of
// each handshake, and whether to admit each call.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_context.h"
#include "server/security/authenticator.h"
#include "server/security/certificates.h"

namespace foresight {

// Any thread may call the parts until gRPC has released the credentials, so
// they must own by shared_ptr what they use.
struct CredentialsParts {
  // The certificates for the next handshakes. Null: plain text.
  std::function<std::shared_ptr<const Certificates>()> certificates;
  std::shared_ptr<const Authenticator> authenticator;
  std::function<void(const absl::Status&)> refused;  // Called for each refusal.
};

// gRPC's core answers calls that the authenticator refuses before it reads
// their request, for every method and also in plain text. Calls certificates()
// once to begin with; later results must have a client CA if and only if the
// first has one.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    CredentialsParts parts);

// The evidence in a call besides its method; valid as long as `context`.
class ContextEvidence {
 public:
  explicit ContextEvidence(const grpc::CallbackServerContext& context);
  const CallEvidence& get() const { return evidence_; }

 private:
  std::string certificate_name_;
  CallEvidence evidence_;
};

}  // namespace foresight

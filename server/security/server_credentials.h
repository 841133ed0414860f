// What gRPC asks at a listening address: the certificate for each handshake,
// and whether each call may go on.
#pragma once

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_context.h"
#include "server/security/authenticator.h"
#include "server/security/certificates.h"

namespace foresight {

// The parts may be called by any thread, until gRPC has released the
// credentials: hold what they use by shared_ptr.
struct CredentialsParts {
  // The certificates for the handshakes that follow. Null: plain text.
  std::function<std::shared_ptr<const Certificates>()> certificates;
  std::shared_ptr<const Authenticator> authenticator;
  std::function<void(const absl::Status&)> refused;  // Told of each refusal.
};

// A call that the authenticator refuses is answered by gRPC's core, before its
// request is read and whatever its method is; plain text makes no difference.
// To serve reads certificates() once; later ones must have a client CA if and
// only if that has one.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    CredentialsParts parts);

// What a call shows besides its method; valid as long as `context`.
class ContextEvidence {
 public:
  explicit ContextEvidence(const grpc::CallbackServerContext& context);
  const CallEvidence& get() const { return evidence_; }

 private:
  std::string certificate_name_;
  CallEvidence evidence_;
};

}  // namespace foresight

// The server's certificate and tokens, and their rotation while it serves.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_context.h"
#include "server/security/authenticator.h"
#include "server/security/certificates.h"

namespace foresight {

// Thread-safe. Reads its files again every reload_interval. A good replacement
// is used for later handshakes and calls; a bad one is reported and changes
// nothing.
class Security {
 public:
  struct Options {
    CertificateFiles certificates;  // No certificate: plain text.
    std::string tokens;             // File; empty: no tokens.
    absl::Duration reload_interval = absl::Seconds(1);
  };
  // Each may be called on any thread until the servers with these credentials
  // have ended.
  struct Events {
    std::function<void(const absl::Status&)> call_refused;
    std::function<void(absl::Time)> certificate_expires;  // For each one used.
    std::function<void()> certificate_refused;
  };

  // Errors: as LoadCertificates and TokenTable::Load.
  static absl::StatusOr<std::unique_ptr<Security>> Create(Options options,
                                                          Events events);
  ~Security();

  // Credentials for one listening address. They may outlive this.
  std::shared_ptr<grpc::ServerCredentials> Credentials() const;

  // Whether callers need an identity.
  bool identifies() const { return authenticator_->required(); }
  // The identity behind a call at an address with these credentials, to a
  // method that is not for administrators only. Errors: as
  // Authenticator::Identify, if its token has been withdrawn since the call
  // began.
  absl::StatusOr<std::string> Identify(
      const grpc::CallbackServerContext& context) const;

 private:
  // The last fault of a reload; empty: none.
  struct Fault {
    std::string message;
    bool reported = false;
  };
  class Current;

  Security(Options options, Events events, std::shared_ptr<Current> current,
           std::shared_ptr<const TokenTable> tokens);

  void Watch();
  void ReloadCertificates();
  void ReloadTokens();
  // Notes the result of a reload. Returns whether to report it: each fault
  // once, and only if two reloads in a row find it, since files that are being
  // replaced may not fit together for a moment.
  static bool IsToReport(const absl::Status& status, Fault* fault);

  const Options options_;
  const Events events_;
  const std::shared_ptr<Current> current_;
  const std::shared_ptr<Authenticator> authenticator_;
  // Used only by the thread watch_.
  std::shared_ptr<const TokenTable> tokens_;
  Fault certificate_fault_;
  Fault token_fault_;
  absl::Notification ending_;
  std::thread watch_;
};

}  // namespace foresight

#include "server/security/security.h"

#include <utility>

#include "absl/time/clock.h"
#include "server/security/server_credentials.h"
#include "server/support/log.h"
#include "support/status_macros.h"

namespace foresight {

// The certificates for the next handshake. Thread-safe.
class Security::Current {
 public:
  explicit Current(Certificates certificates) { Set(std::move(certificates)); }

  std::shared_ptr<const Certificates> Get() const {
    absl::MutexLock lock(&mutex_);
    return certificates_;
  }
  void Set(Certificates certificates) {
    auto fresh = std::make_shared<const Certificates>(std::move(certificates));
    absl::MutexLock lock(&mutex_);
    certificates_.swap(fresh);
  }

 private:
  mutable absl::Mutex mutex_;
  std::shared_ptr<const Certificates> certificates_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<std::unique_ptr<Security>> Security::Create(Options options,
                                                           Events events) {
  std::shared_ptr<Current> current;
  if (!options.certificates.certificate.empty()) {
    ASSIGN_OR_RETURN(Certificates certificates,
                     LoadCertificates(options.certificates, absl::Now()));
    events.certificate_expires(certificates.expiry);
    current = std::make_shared<Current>(std::move(certificates));
  }
  std::shared_ptr<const TokenTable> tokens;
  if (!options.tokens.empty()) {
    ASSIGN_OR_RETURN(TokenTable table, TokenTable::Load(options.tokens));
    tokens = std::make_shared<const TokenTable>(std::move(table));
  }
  return std::unique_ptr<Security>(
      new Security(std::move(options), std::move(events), std::move(current),
                   std::move(tokens)));
}

Security::Security(Options options, Events events,
                   std::shared_ptr<Current> current,
                   std::shared_ptr<const TokenTable> tokens)
    : options_(std::move(options)),
      events_(std::move(events)),
      current_(std::move(current)),
      authenticator_(std::make_shared<Authenticator>(
          !options_.certificates.client_ca.empty(), tokens)),
      tokens_(std::move(tokens)) {
  if (current_ != nullptr || tokens_ != nullptr) {
    watch_ = std::thread([this] { Watch(); });
  }
}

Security::~Security() {
  ending_.Notify();
  if (watch_.joinable()) watch_.join();
}

std::shared_ptr<grpc::ServerCredentials> Security::Credentials() const {
  CredentialsParts parts;
  if (current_ != nullptr) {
    parts.certificates = [current = current_] { return current->Get(); };
  }
  parts.authenticator = authenticator_;
  parts.refused = events_.call_refused;
  return MakeServerCredentials(std::move(parts));
}

absl::StatusOr<std::string> Security::Identify(
    const grpc::CallbackServerContext& context) const {
  if (!identifies()) return "";
  return authenticator_->Identify(ContextEvidence(context).get());
}

void Security::Watch() {
  while (!ending_.WaitForNotificationWithTimeout(options_.reload_interval)) {
    if (current_ != nullptr) ReloadCertificates();
    if (tokens_ != nullptr) ReloadTokens();
  }
}

bool Security::IsToReport(const absl::Status& status, Fault* fault) {
  if (status.ok()) {
    *fault = Fault();
    return false;
  }
  if (fault->message != status.message()) {
    *fault = {std::string(status.message()), false};
    return false;
  }
  return !std::exchange(fault->reported, true);
}

void Security::ReloadCertificates() {
  // Validity of certificates follows the wall clock.
  auto loaded = LoadCertificates(options_.certificates, absl::Now());
  if (IsToReport(loaded.status(), &certificate_fault_)) {
    LogError("certificate refused, the old one stays in use",
             {{"error", loaded.status().message()}});
    events_.certificate_refused();
  }
  if (!loaded.ok() || *loaded == *current_->Get()) return;
  LogInfo("certificate replaced",
          {{"expires", absl::FormatTime(loaded->expiry)}});
  events_.certificate_expires(loaded->expiry);
  current_->Set(*std::move(loaded));
}

void Security::ReloadTokens() {
  auto loaded = TokenTable::Load(options_.tokens);
  if (IsToReport(loaded.status(), &token_fault_)) {
    LogError("tokens refused, the old ones stay in use",
             {{"error", loaded.status().message()}});
  }
  if (!loaded.ok() || *loaded == *tokens_) return;
  LogInfo("tokens replaced", {{"tokens", loaded->size()}});
  tokens_ = std::make_shared<const TokenTable>(*std::move(loaded));
  authenticator_->Replace(tokens_);
}

}  // namespace foresight

#include "client/channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/client_interceptor.h>

#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/token_file.h"
#include "support/loopback.h"
#include "support/pem.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

using grpc::experimental::ClientInterceptorFactoryInterface;
using grpc::experimental::InterceptionHookPoints;

// Adds the token to each call. gRPC's own call credentials refuse plain text,
// even within one machine, and never change the token.
class AddToken final : public grpc::experimental::Interceptor {
 public:
  explicit AddToken(TokenFile* token) : token_(token) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* call) override {
    if (call->QueryInterceptionHookPoint(
            InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      call->GetSendInitialMetadata()->emplace(
          "authorization", absl::StrCat("Bearer ", token_->Get()));
    }
    call->Proceed();
  }

 private:
  TokenFile* const token_;
};

class AddTokenFactory final : public ClientInterceptorFactoryInterface {
 public:
  explicit AddTokenFactory(std::unique_ptr<TokenFile> token)
      : token_(std::move(token)) {}

  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new AddToken(token_.get());
  }

 private:
  const std::unique_ptr<TokenFile> token_;
};

absl::StatusOr<PemFile> ReadPem(const std::string& path) {
  std::ifstream file(path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty()) {
    return absl::NotFoundError(
        absl::StrCat(path, " cannot be read or is empty, expected PEM"));
  }
  return PemFile{path, std::move(text)};
}

absl::Status Check(const std::string& address, const SecurityOptions& security,
                   bool encrypted) {
  if (security.tls_cert.empty() != security.tls_key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the client's ", security.tls_cert.empty() ? "certificate" : "key",
        " is missing, expected both a certificate and its key"));
  }
  if (!security.tls_cert.empty() && security.tls_ca.empty()) {
    return absl::InvalidArgumentError(
        "a client certificate is given without TLS, expected the server's CA "
        "too");
  }
  if (!security.token_file.empty() && !encrypted && !security.plaintext_token &&
      !IsLoopback(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the token would be sent to ", address,
                     " in plain text, expected TLS (the server's CA), or leave "
                     "to send it so"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(
    const SecurityOptions& security) {
  grpc::SslCredentialsOptions options;
  ASSIGN_OR_RETURN(const PemFile authority, ReadPem(security.tls_ca));
  RETURN_IF_ERROR(CertificatesIn(authority).status());
  options.pem_root_certs = authority.text;
  if (!security.tls_cert.empty()) {
    ASSIGN_OR_RETURN(const PemFile certificate, ReadPem(security.tls_cert));
    ASSIGN_OR_RETURN(const PemFile key, ReadPem(security.tls_key));
    RETURN_IF_ERROR(CheckKeyPair(certificate, key));
    options.pem_cert_chain = certificate.text;
    options.pem_private_key = key.text;
  }
  return grpc::SslCredentials(options);
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::Channel>> MakeChannel(
    const std::string& address, const SecurityOptions& security,
    std::shared_ptr<grpc::ChannelCredentials> credentials,
    const grpc::ChannelArguments& arguments) {
  const bool encrypted = credentials != nullptr || !security.tls_ca.empty();
  if (absl::Status status = Check(address, security, encrypted); !status.ok()) {
    return status;
  }
  if (credentials == nullptr && encrypted) {
    auto tls = TlsCredentials(security);
    if (!tls.ok()) return tls.status();
    credentials = *std::move(tls);
  }
  if (credentials == nullptr) credentials = grpc::InsecureChannelCredentials();
  std::vector<std::unique_ptr<ClientInterceptorFactoryInterface>> interceptors;
  if (!security.token_file.empty()) {
    auto token = TokenFile::Open(security.token_file);
    if (!token.ok()) return token.status();
    interceptors.push_back(
        std::make_unique<AddTokenFactory>(*std::move(token)));
  }
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      address, credentials, arguments, std::move(interceptors));
}

}  // namespace foresight

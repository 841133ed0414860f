#include "server/security/server_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"

namespace foresight {
namespace {

absl::string_view View(const grpc_slice& slice) {
  return {reinterpret_cast<const char*>(GRPC_SLICE_START_PTR(slice)),
          GRPC_SLICE_LENGTH(slice)};
}

absl::string_view NameIn(const grpc_auth_context* context) {
  for (const char* kind :
       {GRPC_X509_SAN_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    grpc_auth_property_iterator values =
        grpc_auth_context_find_properties_by_name(context, kind);
    while (const auto* value = grpc_auth_property_iterator_next(&values)) {
      if (value->value_length > 0) return {value->value, value->value_length};
    }
  }
  return {};
}

CallEvidence EvidenceOf(const grpc_auth_context* context,
                        const grpc_metadata* metadata, size_t count) {
  CallEvidence evidence;
  evidence.certificate_name = NameIn(context);
  for (size_t i = 0; i < count; ++i) {
    const absl::string_view key = View(metadata[i].key);
    if (key == ":path") evidence.method = View(metadata[i].value);
    if (key == "authorization") {
      evidence.authorization.push_back(View(metadata[i].value));
    }
  }
  return evidence;
}

// The callbacks of gRPC's core. Owned by the credentials in the core.
class Callbacks {
 public:
  explicit Callbacks(CredentialsParts parts) : parts_(std::move(parts)) {}

  static grpc_ssl_certificate_config_reload_status FetchCertificates(
      void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<Callbacks*>(self)->Fetch(config);
  }

  static void Process(void* self, grpc_auth_context* context,
                      const grpc_metadata* metadata, size_t count,
                      grpc_process_auth_metadata_done_cb done,
                      void* user_data) {
    const CredentialsParts& parts = static_cast<Callbacks*>(self)->parts_;
    // The context cannot carry the identity to the handler: it belongs to the
    // connection, whose calls may have different tokens.
    const absl::Status status =
        parts.authenticator->Identify(EvidenceOf(context, metadata, count))
            .status();
    if (!status.ok()) parts.refused(status);
    done(user_data, nullptr, 0, nullptr, 0,
         static_cast<grpc_status_code>(status.code()),
         std::string(status.message()).c_str());
  }

  static void Destroy(void* self) { delete static_cast<Callbacks*>(self); }

 private:
  // Called at each handshake.
  grpc_ssl_certificate_config_reload_status Fetch(
      grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const Certificates> now = parts_.certificates();
    absl::MutexLock lock(&mutex_);
    if (now == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pair = {now->key.c_str(),
                                             now->chain.c_str()};
    // gRPC 1.51 aborts the program without roots, even if no client certificate
    // is asked for and nothing is verified with them.
    const std::string& roots =
        now->client_ca.empty() ? now->chain : now->client_ca;
    *config =
        grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    given_ = std::move(now);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const CredentialsParts parts_;
  absl::Mutex mutex_;
  std::shared_ptr<const Certificates> given_ ABSL_GUARDED_BY(mutex_);
};

// gRPC's own classes read certificates only once, and tokens only from
// encrypted connections.
class Credentials final : public grpc::ServerCredentials {
 public:
  explicit Credentials(grpc_server_credentials* core) : core_(core) {}
  ~Credentials() override { grpc_server_credentials_release(core_); }

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {
    // The core has one already.
  }

 private:
  int AddPortToServer(const std::string& address,
                      grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), core_);
  }

  grpc_server_credentials* const core_;
};

grpc_server_credentials* MakeTlsCredentials(bool client_certificates,
                                            Callbacks* callbacks) {
  return grpc_ssl_server_credentials_create_with_options(
      grpc_ssl_server_credentials_create_options_using_config_fetcher(
          client_certificates
              ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
              : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
          &Callbacks::FetchCertificates, callbacks));
}

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(
    CredentialsParts parts) {
  grpc_init();  // The core is used before the first of gRPC's C++ objects.
  const bool tls = parts.certificates != nullptr;
  const bool client_certificates =
      tls && !parts.certificates()->client_ca.empty();
  const bool identifies = parts.authenticator->required();
  auto* callbacks = new Callbacks(std::move(parts));
  grpc_server_credentials* core =
      tls ? MakeTlsCredentials(client_certificates, callbacks)
          : grpc_insecure_server_credentials_create();
  // The core takes ownership of the callbacks and frees them at its end. gRPC
  // 1.51 crashes while it gives Process a header of its own
  // (grpclb_client_stats), so Process is left out unless it has something to
  // check.
  grpc_server_credentials_set_auth_metadata_processor(
      core, {identifies ? &Callbacks::Process : nullptr, &Callbacks::Destroy,
             callbacks});
  auto credentials = std::make_shared<Credentials>(core);
  grpc_shutdown();
  return credentials;
}

ContextEvidence::ContextEvidence(const grpc::CallbackServerContext& context) {
  const auto authenticated = context.auth_context();
  for (const char* kind :
       {GRPC_X509_SAN_PROPERTY_NAME, GRPC_X509_CN_PROPERTY_NAME}) {
    for (const grpc::string_ref& value :
         authenticated->FindPropertyValues(kind)) {
      if (certificate_name_.empty()) {
        certificate_name_.assign(value.data(), value.size());
      }
    }
  }
  evidence_.certificate_name = certificate_name_;
  const auto tokens = context.client_metadata().equal_range("authorization");
  for (auto it = tokens.first; it != tokens.second; ++it) {
    evidence_.authorization.emplace_back(it->second.data(), it->second.size());
  }
}

}  // namespace foresight

#include "server/security/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "support/file.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;
using Chain = std::vector<Owned<X509>>;

absl::Status Wrong(const std::string& file, absl::string_view what) {
  ERR_clear_error();  // This thread's; nobody else reads them.
  return absl::InvalidArgumentError(absl::StrCat(file, " ", what));
}

// Keeps OpenSSL from asking the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

Owned<BIO> Reader(const std::string& pem) {
  return Owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

absl::StatusOr<Chain> ParseChain(const std::string& file,
                                 const std::string& pem) {
  Chain chain;
  const Owned<BIO> reader = Reader(pem);
  while (X509* certificate =
             PEM_read_bio_X509(reader.get(), nullptr, NoPassphrase, nullptr)) {
    chain.emplace_back(certificate);
  }
  const bool at_end =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (chain.empty()) return Wrong(file, "holds no certificate, expected PEM");
  if (!at_end) return Wrong(file, "holds a malformed certificate");
  ERR_clear_error();
  return chain;
}

absl::Time ExpiryOf(const X509& certificate) {
  tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &end) != 1) {
    return absl::InfinitePast();
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

absl::Status CheckValidity(const std::string& file, const X509& certificate,
                           absl::Time now) {
  const absl::Time expiry = ExpiryOf(certificate);
  if (expiry <= now) {
    return Wrong(file,
                 absl::StrCat("holds a certificate that expired at ",
                              absl::FormatTime(expiry, absl::UTCTimeZone())));
  }
  time_t seconds = absl::ToTimeT(now);
  if (X509_cmp_time(X509_get0_notBefore(&certificate), &seconds) >= 0) {
    return Wrong(file, "holds a certificate that is not valid yet");
  }
  return absl::OkStatus();
}

// Setting up TLS with the pair finds every fault in it.
absl::Status CheckPair(const CertificateFiles& files, const Chain& chain,
                       EVP_PKEY& key) {
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate(context.get(), chain.front().get()) != 1) {
    return Wrong(files.certificate,
                 "holds a certificate that OpenSSL refuses, expected one with "
                 "a stronger key or signature");
  }
  for (size_t i = 1; i < chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), chain[i].get()) != 1) {
      return Wrong(files.certificate,
                   "has a signing certificate that OpenSSL refuses, expected "
                   "one with a stronger key or signature");
    }
  }
  if (SSL_CTX_use_PrivateKey(context.get(), &key) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Wrong(files.key,
                 absl::StrCat("is not the key of ", files.certificate));
  }
  return absl::OkStatus();
}

absl::Status CheckClientCa(const std::string& file, const std::string& pem,
                           absl::Time now) {
  ASSIGN_OR_RETURN(const Chain authorities, ParseChain(file, pem));
  absl::Status last;
  for (const Owned<X509>& authority : authorities) {
    last = CheckValidity(file, *authority, now);
    if (last.ok()) return last;  // One valid CA is enough.
  }
  return last;
}

}  // namespace

absl::StatusOr<Certificates> LoadCertificates(const CertificateFiles& files,
                                              absl::Time now) {
  Certificates loaded;
  ASSIGN_OR_RETURN(loaded.chain, ReadFile(files.certificate, kMaxFileBytes));
  ASSIGN_OR_RETURN(loaded.key, ReadFile(files.key, kMaxFileBytes));
  ASSIGN_OR_RETURN(const Chain chain,
                   ParseChain(files.certificate, loaded.chain));
  loaded.expiry = absl::InfiniteFuture();
  for (const Owned<X509>& certificate : chain) {
    RETURN_IF_ERROR(CheckValidity(files.certificate, *certificate, now));
    loaded.expiry = std::min(loaded.expiry, ExpiryOf(*certificate));
  }
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(
      Reader(loaded.key).get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return Wrong(files.key,
                 "holds no private key, expected PEM without a "
                 "passphrase");
  }
  RETURN_IF_ERROR(CheckPair(files, chain, *key));
  if (!files.client_ca.empty()) {
    ASSIGN_OR_RETURN(loaded.client_ca,
                     ReadFile(files.client_ca, kMaxFileBytes));
    RETURN_IF_ERROR(CheckClientCa(files.client_ca, loaded.client_ca, now));
  }
  return loaded;
}

}  // namespace foresight

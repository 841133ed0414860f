#include "support/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;
using Chain = std::vector<Owned<X509>>;

absl::Status Wrong(const PemFile& file, absl::string_view what) {
  ERR_clear_error();  // This thread's errors; nobody else reads them.
  return absl::InvalidArgumentError(absl::StrCat(file.path, " ", what));
}

// Keeps OpenSSL from asking the terminal.
int NoPassphrase(char*, int, int, void*) { return 0; }

Owned<BIO> Reader(const PemFile& file) {
  return Owned<BIO>(
      BIO_new_mem_buf(file.text.data(), static_cast<int>(file.text.size())));
}

absl::StatusOr<Chain> Parse(const PemFile& file) {
  Chain chain;
  const Owned<BIO> reader = Reader(file);
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

// Returns `otherwise` if `time` is not a valid time.
absl::Time ToTime(const ASN1_TIME* time, absl::Time otherwise) {
  tm parts = {};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return otherwise;
  return absl::FromTM(parts, absl::UTCTimeZone());
}

}  // namespace

absl::StatusOr<std::vector<Validity>> CertificatesIn(const PemFile& file) {
  ASSIGN_OR_RETURN(const Chain chain, Parse(file));
  std::vector<Validity> validities;
  for (const Owned<X509>& certificate : chain) {
    validities.push_back(
        {ToTime(X509_get0_notBefore(certificate.get()), absl::InfiniteFuture()),
         ToTime(X509_get0_notAfter(certificate.get()), absl::InfinitePast())});
  }
  return validities;
}

absl::Status CheckKeyPair(const PemFile& chain, const PemFile& key) {
  ASSIGN_OR_RETURN(const Chain certificates, Parse(chain));
  const Owned<EVP_PKEY> own(PEM_read_bio_PrivateKey(Reader(key).get(), nullptr,
                                                    NoPassphrase, nullptr));
  if (own == nullptr) {
    return Wrong(key,
                 "holds no private key, expected PEM without a passphrase");
  }
  // Setting up TLS with the pair finds every fault in it.
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  if (SSL_CTX_use_certificate(context.get(), certificates.front().get()) != 1) {
    return Wrong(chain,
                 "holds a certificate that OpenSSL refuses, expected one with "
                 "a stronger key or signature");
  }
  for (size_t i = 1; i < certificates.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context.get(), certificates[i].get()) != 1) {
      return Wrong(chain,
                   "has a signing certificate that OpenSSL refuses, expected "
                   "one with a stronger key or signature");
    }
  }
  if (SSL_CTX_use_PrivateKey(context.get(), own.get()) != 1 ||
      SSL_CTX_check_private_key(context.get()) != 1) {
    return Wrong(key, absl::StrCat("is not the key of ", chain.path));
  }
  return absl::OkStatus();
}

}  // namespace foresight

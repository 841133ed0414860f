// Certificates for tests, made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace foresight {

// A certificate and its key, as PEM.
struct IssuedCertificate {
  std::string certificate;
  std::string key;
};

// Signs certificates. Its own certificate is valid from yesterday to tomorrow.
class CertificateAuthority {
 public:
  struct Request {
    std::string common_name;  // Empty: none.
    // In openssl.cnf's form: "DNS:localhost,IP:127.0.0.1". Empty: none.
    std::string alternative_names;
    absl::Duration valid_from = -absl::Hours(24);  // From now.
    absl::Duration valid_to = absl::Hours(24);
    // NIST's curve. With Debian's settings OpenSSL refuses to serve with P-192.
    std::string curve = "P-256";
  };

  explicit CertificateAuthority(const std::string& name);

  std::string certificate() const;  // PEM
  IssuedCertificate Issue(const Request& request) const;
  // Issues a certificate for a server at 127.0.0.1 or localhost.
  IssuedCertificate IssueServer() const;
  // Issues a certificate for a client with `name` as its only alternative name.
  IssuedCertificate IssueClient(const std::string& name) const;

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  using Certificate = std::unique_ptr<X509, Free>;

  // Makes a certificate signed by `signer` or, if that is null, a self-signed
  // one for an authority.
  static Certificate Make(const Request& request, EVP_PKEY* key,
                          const CertificateAuthority* signer);

  Key key_;
  Certificate certificate_;
};

}  // namespace foresight

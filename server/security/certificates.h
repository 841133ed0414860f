// Loads a server's certificate, its key and the client CA, and checks them
// before use: gRPC would accept a broken pair and then fail every handshake.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace foresight {

struct CertificateFiles {
  std::string certificate;  // PEM: the server's, then those that sign it.
  std::string key;          // PEM, not encrypted.
  std::string client_ca;    // PEM; empty: clients need no certificate.
};

struct Certificates {
  std::string chain;      // PEM
  std::string key;        // PEM
  std::string client_ca;  // PEM; empty: none.
  absl::Time expiry;      // The earliest expiry in the chain.

  bool operator==(const Certificates& other) const {
    return chain == other.chain && key == other.key &&
           client_ca == other.client_ca;
  }
};

// Errors, each beginning with the file at fault:
//   NotFound, Unavailable: it cannot be read.
//   InvalidArgument:       it holds no certificate or key, or more than 1 MiB;
//                          the key is encrypted or belongs to another
//                          certificate; a certificate of the chain, or every
//                          client CA, is expired or not valid yet at `now`;
//                          OpenSSL refuses it, for example because it is weak.
absl::StatusOr<Certificates> LoadCertificates(const CertificateFiles& files,
                                              absl::Time now);

}  // namespace foresight

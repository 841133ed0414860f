// Checks certificates and keys before TLS uses them: gRPC accepts a broken pair
// and then fails every handshake.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace foresight {

struct PemFile {
  std::string path;  // For errors, which begin with it.
  std::string text;
};

struct Validity {
  absl::Time begin, end;
};

// The validity of each of the file's certificates; there is at least one.
// Errors: InvalidArgument: it holds none, or a malformed one.
absl::StatusOr<std::vector<Validity>> CertificatesIn(const PemFile& file);

// Checks that `key` belongs to the first certificate of `chain`, which the
// others sign. Errors: InvalidArgument: it does not; `chain` holds no
// certificate; `key` holds no key without a passphrase; OpenSSL refuses a
// certificate, for example because it is weak.
absl::Status CheckKeyPair(const PemFile& chain, const PemFile& key);

}  // namespace foresight

#include "server/security/certificates.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "support/file.h"
#include "support/pem.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

absl::StatusOr<PemFile> Read(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMaxFileBytes));
  return PemFile{path, std::move(text)};
}

absl::Status CheckValidity(const PemFile& file, const Validity& validity,
                           absl::Time now) {
  if (validity.end <= now) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path, " holds a certificate that expired at ",
                     absl::FormatTime(validity.end, absl::UTCTimeZone())));
  }
  if (validity.begin > now) {
    return absl::InvalidArgumentError(
        absl::StrCat(file.path, " holds a certificate that is not valid yet"));
  }
  return absl::OkStatus();
}

absl::Status CheckClientCa(const PemFile& file, absl::Time now) {
  ASSIGN_OR_RETURN(const std::vector<Validity> authorities,
                   CertificatesIn(file));
  absl::Status last;
  for (const Validity& authority : authorities) {
    last = CheckValidity(file, authority, now);
    if (last.ok()) return last;  // One valid CA is enough.
  }
  return last;
}

}  // namespace

absl::StatusOr<Certificates> LoadCertificates(const CertificateFiles& files,
                                              absl::Time now) {
  ASSIGN_OR_RETURN(const PemFile chain, Read(files.certificate));
  ASSIGN_OR_RETURN(const PemFile key, Read(files.key));
  Certificates loaded{chain.text, key.text, "", absl::InfiniteFuture()};
  ASSIGN_OR_RETURN(const std::vector<Validity> validities,
                   CertificatesIn(chain));
  for (const Validity& validity : validities) {
    RETURN_IF_ERROR(CheckValidity(chain, validity, now));
    loaded.expiry = std::min(loaded.expiry, validity.end);
  }
  RETURN_IF_ERROR(CheckKeyPair(chain, key));
  if (!files.client_ca.empty()) {
    ASSIGN_OR_RETURN(const PemFile client_ca, Read(files.client_ca));
    RETURN_IF_ERROR(CheckClientCa(client_ca, now));
    loaded.client_ca = client_ca.text;
  }
  return loaded;
}

}  // namespace foresight

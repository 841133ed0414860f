#include "models/bundle/sha256.h"

#include <openssl/evp.h>

#include "absl/strings/escaping.h"

namespace foresight {

std::string Sha256Hex(absl::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  // This fails only if OpenSSL lacks SHA-256; then no hash equals the result.
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(),
                 nullptr) != 1) {
    return "";
  }
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

}  // namespace foresight

#include "tests/support/certificate_authority.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace foresight {
namespace {

// Calls here fail only for lack of memory.
void Must(bool done) {
  if (!done) std::abort();
}

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, size);
  BIO_free(bio);
  return text;
}

std::string Pem(X509* certificate) {
  BIO* bio = BIO_new(BIO_s_mem());
  Must(PEM_write_bio_X509(bio, certificate) == 1);
  return Text(bio);
}

std::string Pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  Must(PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1);
  return Text(bio);
}

void Extend(X509* certificate, X509* signer, int kind,
            const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, signer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension =
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  Must(extension != nullptr);
  Must(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

void SetName(X509* certificate, const std::string& common_name) {
  if (common_name.empty()) return;
  Must(X509_NAME_add_entry_by_txt(
           X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(common_name.data()),
           static_cast<int>(common_name.size()), -1, 0) == 1);
}

}  // namespace

CertificateAuthority::CertificateAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256")) {
  Request request;
  request.common_name = name;
  certificate_ = Make(request, key_.get(), nullptr);
}

CertificateAuthority::Certificate CertificateAuthority::Make(
    const Request& request, EVP_PKEY* key, const CertificateAuthority* signer) {
  Certificate made(X509_new());
  X509* const certificate = made.get();
  Must(X509_set_version(certificate, X509_VERSION_3) == 1);
  uint32_t serial = 0;
  Must(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) ==
       1);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate),
                  absl::ToInt64Seconds(request.valid_from));
  X509_gmtime_adj(X509_getm_notAfter(certificate),
                  absl::ToInt64Seconds(request.valid_to));
  SetName(certificate, request.common_name);
  X509* const issuer =
      signer == nullptr ? certificate : signer->certificate_.get();
  Must(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1);
  Must(X509_set_pubkey(certificate, key) == 1);
  if (signer == nullptr) {
    Extend(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
    Extend(certificate, issuer, NID_key_usage, "critical,keyCertSign");
  }
  if (!request.alternative_names.empty()) {
    Extend(certificate, issuer, NID_subject_alt_name,
           request.alternative_names);
  }
  Must(X509_sign(certificate, signer == nullptr ? key : signer->key_.get(),
                 EVP_sha256()) > 0);
  return made;
}

std::string CertificateAuthority::certificate() const {
  return Pem(certificate_.get());
}

IssuedCertificate CertificateAuthority::Issue(const Request& request) const {
  const Key key(EVP_EC_gen(request.curve.c_str()));
  Must(key != nullptr);
  return {Pem(Make(request, key.get(), this).get()), Pem(key.get())};
}

IssuedCertificate CertificateAuthority::IssueServer() const {
  Request request;
  request.common_name = "server";
  request.alternative_names = "DNS:localhost,IP:127.0.0.1";
  return Issue(request);
}

IssuedCertificate CertificateAuthority::IssueClient(
    const std::string& name) const {
  Request request;
  request.alternative_names = "DNS:" + name;
  return Issue(request);
}

}  // namespace foresight

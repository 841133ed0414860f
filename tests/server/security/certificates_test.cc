#include "server/security/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "support/file.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

class CertificatesTest : public ::testing::Test {
 protected:
  CertificatesTest() {
    Write("cert", server_.certificate);
    Write("key", server_.key);
    Write("ca", authority_.certificate());
  }

  std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  void Write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomically(Path(name), text).ok());
  }
  absl::StatusOr<Certificates> Load() const {
    return LoadCertificates({Path("cert"), Path("key"), Path("ca")},
                            absl::Now());
  }
  // The message must begin with the file's path.
  void ExpectRefused(const std::string& file, const std::string& says) const {
    const auto loaded = Load();
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(loaded.status().message()),
                ::testing::StartsWith(Path(file) + " "));
    EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(says));
  }

  const CertificateAuthority authority_{"Test CA"};
  const IssuedCertificate server_ = authority_.IssueServer();
  const TemporaryFolder folder_;
};

TEST_F(CertificatesTest, AGoodPairIsLoadedWithItsExpiry) {
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->chain, server_.certificate);
  EXPECT_EQ(loaded->key, server_.key);
  EXPECT_EQ(loaded->client_ca, authority_.certificate());
  EXPECT_NEAR(absl::ToDoubleHours(loaded->expiry - absl::Now()), 24, 0.1);
}

TEST_F(CertificatesTest, AChainExpiresWithItsFirstCertificateToExpire) {
  CertificateAuthority::Request brief;
  brief.common_name = "intermediate";
  brief.valid_to = absl::Hours(1);
  Write("cert", server_.certificate + authority_.Issue(brief).certificate);
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_NEAR(absl::ToDoubleHours(loaded->expiry - absl::Now()), 1, 0.1);
}

TEST_F(CertificatesTest, AMissingFileIsNamed) {
  std::filesystem::remove(Path("key"));
  EXPECT_EQ(Load().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Load().status().message()), HasSubstr(Path("key")));
}

TEST_F(CertificatesTest, MalformedCertificatesAndKeysAreRefused) {
  Write("cert", "no certificate");
  ExpectRefused("cert", "holds no certificate");
  Write("cert", server_.key);
  ExpectRefused("cert", "holds no certificate");
  Write("cert", server_.certificate.substr(0, server_.certificate.size() / 2));
  ExpectRefused("cert", "certificate");
  Write("cert", server_.certificate + server_.certificate.substr(
                                          0, server_.certificate.size() / 2));
  ExpectRefused("cert", "malformed");
  Write("cert", server_.certificate);
  Write("key", server_.certificate);
  ExpectRefused("key", "holds no private key");
  Write("key", server_.key.substr(0, server_.key.size() / 2));
  ExpectRefused("key", "holds no private key");
}

TEST_F(CertificatesTest, AKeyOfAnotherCertificateIsRefused) {
  Write("key", authority_.IssueServer().key);
  ExpectRefused("key", "is not the key of " + Path("cert"));
}

TEST_F(CertificatesTest, AnExpiredOrFutureCertificateIsRefused) {
  CertificateAuthority::Request request;
  request.common_name = "server";
  request.valid_to = -absl::Hours(1);
  const IssuedCertificate expired = authority_.Issue(request);
  Write("cert", expired.certificate);
  Write("key", expired.key);
  ExpectRefused("cert", "expired at 20");
  request.valid_from = absl::Hours(1);
  request.valid_to = absl::Hours(2);
  const IssuedCertificate future = authority_.Issue(request);
  Write("cert", future.certificate);
  Write("key", future.key);
  ExpectRefused("cert", "not valid yet");
}

TEST_F(CertificatesTest, AWeakCertificateIsRefused) {
  CertificateAuthority::Request request;
  request.common_name = "server";
  request.curve = "P-192";
  const IssuedCertificate weak = authority_.Issue(request);
  Write("cert", weak.certificate);
  Write("key", weak.key);
  ExpectRefused("cert", "a stronger key");
}

TEST_F(CertificatesTest, OneValidClientCaSuffices) {
  CertificateAuthority::Request request;
  request.common_name = "old CA";
  request.valid_to = -absl::Hours(1);
  const std::string expired = authority_.Issue(request).certificate;
  Write("ca", expired);
  ExpectRefused("ca", "expired");
  Write("ca", expired + authority_.certificate());
  EXPECT_TRUE(Load().ok()) << Load().status();
  Write("ca", "");
  ExpectRefused("ca", "holds no certificate");
}

}  // namespace
}  // namespace foresight

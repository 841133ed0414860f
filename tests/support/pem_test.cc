#include "support/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "tests/support/certificate_authority.h"

namespace foresight {
namespace {

using ::testing::SizeIs;

class PemTest : public ::testing::Test {
 protected:
  static void ExpectRefused(const absl::Status& status,
                            const std::string& message) {
    EXPECT_EQ(status, absl::InvalidArgumentError(message));
  }

  const CertificateAuthority authority_{"Test CA"};
  const IssuedCertificate own_ = authority_.IssueServer();
  const IssuedCertificate other_ = authority_.IssueServer();
};

TEST_F(PemTest, EachCertificateOfAFileHasItsValidity) {
  CertificateAuthority::Request brief;
  brief.valid_to = absl::Hours(1);
  const auto found = CertificatesIn(
      {"chain", own_.certificate + authority_.Issue(brief).certificate});
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_THAT(*found, SizeIs(2));
  const absl::Time now = absl::Now();
  for (const Validity& validity : *found) {
    EXPECT_LT(validity.begin, now);
    EXPECT_GT(validity.end, now);
  }
  EXPECT_NEAR(absl::ToDoubleHours((*found)[1].end - now), 1, 0.1);
}

TEST_F(PemTest, AFileWithoutWholeCertificatesIsRefused) {
  for (const std::string& text : {std::string(), own_.key}) {
    ExpectRefused(CertificatesIn({"file", text}).status(),
                  "file holds no certificate, expected PEM");
  }
  const std::string cut =
      own_.certificate +
      own_.certificate.substr(0, own_.certificate.size() / 2);
  ExpectRefused(CertificatesIn({"file", cut}).status(),
                "file holds a malformed certificate");
}

TEST_F(PemTest, AKeyBelongsToTheFirstCertificate) {
  const PemFile chain{"chain", own_.certificate + other_.certificate};
  EXPECT_TRUE(CheckKeyPair(chain, {"key", own_.key}).ok());
  ExpectRefused(CheckKeyPair(chain, {"key", other_.key}),
                "key is not the key of chain");
  ExpectRefused(CheckKeyPair(chain, {"key", own_.certificate}),
                "key holds no private key, expected PEM without a passphrase");
  ExpectRefused(CheckKeyPair({"chain", own_.key}, {"key", own_.key}),
                "chain holds no certificate, expected PEM");
}

}  // namespace
}  // namespace foresight

#include "client/channel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/certificate_authority.h"
#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    const CertificateAuthority authority("CA");
    const IssuedCertificate own = authority.IssueClient("alice");
    ca_ = Write("ca", authority.certificate());
    certificate_ = Write("cert", own.certificate);
    key_ = Write("key", own.key);
    token_ = Write("token", "secret\n");
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }
  static absl::Status Make(const std::string& address,
                           const SecurityOptions& security) {
    return MakeChannel(address, security, nullptr, {}).status();
  }

  const TemporaryFolder folder_;
  std::string ca_, certificate_, key_, token_;
};

TEST_F(ChannelTest, ATokenGoesToOtherMachinesOnlyOverTls) {
  SecurityOptions security;
  security.token_file = token_;
  EXPECT_TRUE(Make("127.0.0.1:1", security).ok());
  EXPECT_TRUE(Make("localhost:1", security).ok());
  const absl::Status refused = Make("10.0.0.1:1", security);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("in plain text"));
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("secret")));
  security.plaintext_token = true;
  EXPECT_TRUE(Make("10.0.0.1:1", security).ok());
  security.plaintext_token = false;
  security.tls_ca = ca_;
  EXPECT_TRUE(Make("10.0.0.1:1", security).ok());
  // Without a token plain text is allowed.
  EXPECT_TRUE(Make("10.0.0.1:1", {}).ok());
}

TEST_F(ChannelTest, MissingFilesAreNamed) {
  SecurityOptions security;
  security.tls_ca = ca_;
  security.tls_cert = certificate_;
  EXPECT_THAT(std::string(Make("localhost:1", security).message()),
              HasSubstr("client's key is missing"));
  security.tls_key = key_;
  EXPECT_TRUE(Make("localhost:1", security).ok());
  security.tls_ca = "";
  EXPECT_THAT(std::string(Make("localhost:1", security).message()),
              HasSubstr("expected the server's CA"));
  security.tls_ca = "/no/such/file";
  EXPECT_EQ(Make("localhost:1", security).code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(Make("localhost:1", security).message()),
              HasSubstr("/no/such/file"));
  security.tls_ca = ca_;
  security.token_file = "/no/such/token";
  EXPECT_THAT(std::string(Make("localhost:1", security).message()),
              HasSubstr("/no/such/token"));
}

TEST_F(ChannelTest, FilesThatTlsCannotUseAreNamed) {
  SecurityOptions security;
  security.tls_ca = ca_;
  security.tls_cert = certificate_;
  security.tls_key =
      Write("other", CertificateAuthority("CA").IssueClient("bob").key);
  EXPECT_EQ(Make("localhost:1", security),
            absl::InvalidArgumentError(security.tls_key +
                                       " is not the key of " + certificate_));
  security.tls_key = token_;
  EXPECT_EQ(
      Make("localhost:1", security),
      absl::InvalidArgumentError(
          token_ + " holds no private key, expected PEM without a passphrase"));
  security.tls_key = key_;
  security.tls_cert = token_;
  EXPECT_EQ(Make("localhost:1", security),
            absl::InvalidArgumentError(token_ +
                                       " holds no certificate, expected PEM"));
  security.tls_cert = certificate_;
  security.tls_ca = key_;
  EXPECT_EQ(
      Make("localhost:1", security),
      absl::InvalidArgumentError(key_ + " holds no certificate, expected PEM"));
}

}  // namespace
}  // namespace foresight

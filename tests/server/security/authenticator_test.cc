#include "server/security/authenticator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "models/bundle/sha256.h"
#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kAct[] = "/foresight.v1.Adaptation/Act";
constexpr char kDrain[] = "/foresight.v1.Admin/Drain";

std::shared_ptr<const TokenTable> Tokens(const std::string& act,
                                         const std::string& admin) {
  auto table = TokenTable::Parse(absl::StrCat(
      "alice act ", Sha256Hex(act), "\nroot admin ", Sha256Hex(admin), "\n"));
  EXPECT_TRUE(table.ok()) << table.status();
  return std::make_shared<const TokenTable>(*std::move(table));
}

// The identity, or the reason of the refusal.
std::string Result(const absl::StatusOr<std::string>& identity) {
  return identity.ok() ? *identity : ReasonName(identity.status());
}

TEST(AuthenticatorTest, WithoutTokensAndCertificatesNobodyHasAnIdentity) {
  const Authenticator open(false, nullptr);
  EXPECT_FALSE(open.required());
  EXPECT_EQ(Result(open.Identify({kAct, {}, ""})), "");
  EXPECT_EQ(Result(open.Identify({kAct, {"Bearer x"}, "name"})), "");
}

TEST(AuthenticatorTest, ATokenGivesTheIdentity) {
  const Authenticator authenticator(false, Tokens("secret", "other"));
  EXPECT_TRUE(authenticator.required());
  EXPECT_EQ(Result(authenticator.Identify({kAct, {"Bearer secret"}, ""})),
            "alice");
  EXPECT_EQ(Result(authenticator.Identify({kAct, {"bearer secret"}, ""})),
            "alice");
  // An additional certificate does not change the identity.
  const Authenticator both(true, Tokens("secret", "other"));
  EXPECT_EQ(Result(both.Identify({kAct, {"Bearer secret"}, "host"})), "alice");
  EXPECT_EQ(Result(both.Identify({kAct, {}, "host"})), "UNAUTHENTICATED");
}

TEST(AuthenticatorTest, UnknownTokensAreRefusedUnquoted) {
  const Authenticator authenticator(false, Tokens("secret", "other"));
  const std::vector<std::vector<absl::string_view>> wrong = {
      {},
      {"secret"},
      {"Bearer"},
      {"Bearer "},
      {"Bearer  secret"},
      {"Bearer secret "},
      {"Bearer wrong-secret"},
      {"Basic secret"},
      {"Bearer secret", "Bearer secret"},
      {"Bearer wrong-secret", "Bearer secret"}};
  for (const auto& authorization : wrong) {
    const auto identity = authenticator.Identify({kAct, authorization, "host"});
    EXPECT_EQ(Result(identity), "UNAUTHENTICATED")
        << ::testing::PrintToString(authorization);
    EXPECT_THAT(std::string(identity.status().message()),
                Not(HasSubstr("secret")));
  }
}

TEST(AuthenticatorTest, ACallWithoutATokenIsToldHowToSendOne) {
  const Authenticator authenticator(false, Tokens("secret", "other"));
  EXPECT_EQ(authenticator.Identify({kAct, {}, "host"}).status().message(),
            "the call has no token, expected authorization in its metadata: "
            "Bearer TOKEN");
}

// A token of 64 hex digits looks like a SHA-256.
TEST(AuthenticatorTest, ARefusalHintsThatTheFileHoldsTheTokenItself) {
  const std::string token = Sha256Hex("random");
  const auto table = TokenTable::Parse("alice act " + token);
  ASSERT_TRUE(table.ok()) << table.status();
  const Authenticator authenticator(false,
                                    std::make_shared<const TokenTable>(*table));
  const auto identity = authenticator.Identify({kAct, {"Bearer " + token}, ""});
  EXPECT_EQ(Result(identity), "UNAUTHENTICATED");
  EXPECT_THAT(std::string(identity.status().message()),
              HasSubstr("expected one whose SHA-256 is in"));
}

TEST(AuthenticatorTest, AdministrationNeedsTheRoleAdmin) {
  const Authenticator authenticator(false, Tokens("secret", "other"));
  EXPECT_EQ(Result(authenticator.Identify({kDrain, {"Bearer secret"}, ""})),
            "PERMISSION_DENIED");
  EXPECT_EQ(Result(authenticator.Identify({kDrain, {"Bearer other"}, ""})),
            "root");
  EXPECT_EQ(Result(authenticator.Identify({kAct, {"Bearer other"}, ""})),
            "root");
  // A certificate gives no role.
  const Authenticator certificates(true, nullptr);
  EXPECT_EQ(Result(certificates.Identify({kDrain, {}, "robot-7"})),
            "PERMISSION_DENIED");
}

TEST(AuthenticatorTest, OnlyHealthChecksNeedNoToken) {
  const Authenticator authenticator(false, Tokens("secret", "other"));
  EXPECT_EQ(
      Result(authenticator.Identify({"/grpc.health.v1.Health/Watch", {}, ""})),
      "");
  for (const char* method :
       {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", kAct,
        "", "/grpc.health.v1.Healthy/Check", "x/grpc.health.v1.Health/Check"}) {
    EXPECT_EQ(Result(authenticator.Identify({method, {}, ""})),
              "UNAUTHENTICATED")
        << method;
  }
}

TEST(AuthenticatorTest, ACertificateGivesTheIdentityWhereThereAreNoTokens) {
  const Authenticator authenticator(true, nullptr);
  EXPECT_TRUE(authenticator.required());
  EXPECT_EQ(Result(authenticator.Identify({kAct, {}, "robot-7"})), "robot-7");
  EXPECT_EQ(Result(authenticator.Identify({kAct, {}, "M\xc3\xbcller"})),
            "M\xc3\xbcller");
  EXPECT_EQ(Result(authenticator.Identify({kAct, {}, ""})), "UNAUTHENTICATED");
  for (const absl::string_view name :
       {absl::string_view("robot\n7"), absl::string_view("robot\0", 6),
        absl::string_view("\x7f")}) {
    EXPECT_EQ(Result(authenticator.Identify({kAct, {}, name})),
              "UNAUTHENTICATED");
  }
}

TEST(AuthenticatorTest, ReplacedTokensHoldAtOnce) {
  Authenticator authenticator(false, Tokens("old", "other"));
  authenticator.Replace(Tokens("new", "other"));
  EXPECT_EQ(Result(authenticator.Identify({kAct, {"Bearer old"}, ""})),
            "UNAUTHENTICATED");
  EXPECT_EQ(Result(authenticator.Identify({kAct, {"Bearer new"}, ""})),
            "alice");
}

}  // namespace
}  // namespace foresight

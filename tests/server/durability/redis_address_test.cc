#include "server/durability/redis_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RedisAddress Parsed(const std::string& uri) {
  const auto address = ParseRedisAddress(uri);
  EXPECT_TRUE(address.ok()) << uri << ": " << address.status();
  return address.ok() ? *address : RedisAddress();
}

TEST(RedisAddressTest, HostAndPortAreRead) {
  EXPECT_EQ(Parsed("redis://10.0.0.7:7000").ToString(),
            "redis://10.0.0.7:7000");
  EXPECT_EQ(Parsed("redis://store/").ToString(), "redis://store:6379");
  EXPECT_EQ(Parsed("redis://[::1]:7000").host, "::1");
  EXPECT_EQ(Parsed("redis://[::1]").ToString(), "redis://[::1]:6379");
}

TEST(RedisAddressTest, TwoSMeanTls) {
  EXPECT_FALSE(Parsed("redis://store").tls);
  EXPECT_TRUE(Parsed("rediss://store").tls);
  EXPECT_EQ(Parsed("rediss://store").ToString(), "rediss://store:6379");
}

TEST(RedisAddressTest, UserAndPasswordAreReadAndNotShown) {
  const RedisAddress address = Parsed("redis://me:p%40ss%2f@store:1");
  EXPECT_EQ(address.user, "me");
  EXPECT_EQ(address.password, "p@ss/");
  EXPECT_EQ(address.ToString(), "redis://store:1");
  EXPECT_EQ(Parsed("redis://:word@store").password, "word");
  EXPECT_EQ(Parsed("redis://:wo:rd@store").password, "wo:rd");
}

TEST(RedisAddressTest, OthersAreRefusedWithoutShowingTheirPassword) {
  for (const char* uri :
       {"", "store:6379", "http://store", "redis://", "redis://:6379",
        "redis://store:0", "redis://store:65536", "redis://store:x",
        "redis://[::1", "redis://[::1]x", "redis://secret@store",
        "redis://:@store", "redis://:secret%4@store", "redis://:secret@"}) {
    const absl::Status status = ParseRedisAddress(uri).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << uri;
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected redis://"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace foresight

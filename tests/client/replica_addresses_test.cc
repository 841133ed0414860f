#include "client/replica_addresses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Targets(const std::string& servers) {
  const auto replicas = FindReplicas(servers);
  EXPECT_TRUE(replicas.ok()) << replicas.status();
  std::vector<std::string> targets;
  for (const ReplicaAddress& replica : *replicas) {
    targets.push_back(replica.target);
  }
  return targets;
}

TEST(ReplicaAddressesTest, AListIsTakenAsItIs) {
  EXPECT_THAT(Targets("a:1,b:2, [::1]:3"),
              ElementsAre("a:1", "b:2", "[::1]:3"));
}

TEST(ReplicaAddressesTest, OneServerIsOneAddress) {
  EXPECT_THAT(Targets("127.0.0.1:50051"), ElementsAre("127.0.0.1:50051"));
  // localhost may have one address of each family.
  EXPECT_THAT(Targets("localhost:50051"), ElementsAre("localhost:50051"));
  EXPECT_THAT(Targets("[::1]:50051"), ElementsAre("[::1]:50051"));
  EXPECT_THAT(Targets("unix:/run/foresight"),
              ElementsAre("unix:/run/foresight"));
  EXPECT_THAT(Targets("no-such-name.invalid:1"),
              ElementsAre("no-such-name.invalid:1"));
}

TEST(ReplicaAddressesTest, EmptyAndRepeatedAddressesAreRefused) {
  for (const char* servers : {"", ",", "a:1,", "a:1,,b:2", " "}) {
    EXPECT_EQ(FindReplicas(servers).status().code(),
              absl::StatusCode::kInvalidArgument)
        << servers;
  }
  EXPECT_THAT(std::string(FindReplicas("a:1,b:1,a:1").status().message()),
              HasSubstr("a:1 is there twice"));
}

}  // namespace
}  // namespace foresight

#include "support/loopback.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(LoopbackTest, OnlyThisMachineReachesALoopbackAddress) {
  for (const char* address : {"127.0.0.1:50051", "127.9.8.7:0", "[::1]:50051",
                              "localhost:50051", "[::ffff:127.0.0.1]:50051"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
}

TEST(LoopbackTest, EverythingElseIsAnotherAddress) {
  for (const char* address :
       {"0.0.0.0:50051", "[::]:50051", "10.0.0.1:50051", "128.0.0.1:50051",
        "[fe80::1]:50051", "[::ffff:10.0.0.1]:50051", "no-such-host.invalid:1",
        "127.0.0.1", "", ":50051", "[::1:50051", "*:50051"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

}  // namespace
}  // namespace foresight

#include "server/support/random.h"

#include <gtest/gtest.h>

#include <set>

namespace foresight {
namespace {

TEST(RandomTest, AnIdIs128BitsInHexadecimalAndNoTwoAreEqual) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = RandomId();
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(RandomTest, SeedsUseAll64Bits) {
  uint64_t any = 0, all = ~uint64_t{0};
  for (int i = 0; i < 1000; ++i) {
    const uint64_t seed = RandomSeed();
    any |= seed;
    all &= seed;
  }
  // The chance that a bit is equal in 1000 draws is 2^-999.
  EXPECT_EQ(any, ~uint64_t{0});
  EXPECT_EQ(all, 0u);
}

}  // namespace
}  // namespace foresight

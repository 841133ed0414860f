#include "client/load/ramp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace foresight {
namespace {

using ::testing::ElementsAre;

// The probes of a ramp if the server carries up to `capacity`.
std::vector<int> Probe(Ramp& ramp, int capacity) {
  std::vector<int> probes;
  while (const std::optional<int> sessions = ramp.Next()) {
    probes.push_back(*sessions);
    ramp.Report(*sessions, *sessions <= capacity);
  }
  return probes;
}

TEST(RampTest, DoublesThenBisects) {
  Ramp ramp(8, 4096);
  EXPECT_THAT(Probe(ramp, 43), ElementsAre(8, 16, 32, 64, 48, 40, 44, 42, 43));
  EXPECT_EQ(ramp.largest_passed(), 43);
}

TEST(RampTest, FindsLessThanItsFirstProbe) {
  Ramp ramp(8, 4096);
  EXPECT_THAT(Probe(ramp, 3), ElementsAre(8, 4, 2, 3));
  EXPECT_EQ(ramp.largest_passed(), 3);
}

TEST(RampTest, NoNumberPasses) {
  Ramp ramp(8, 4096);
  EXPECT_THAT(Probe(ramp, 0), ElementsAre(8, 4, 2, 1));
  EXPECT_EQ(ramp.largest_passed(), 0);
}

TEST(RampTest, EndsAtItsLimit) {
  Ramp ramp(8, 20);
  EXPECT_THAT(Probe(ramp, 1000), ElementsAre(8, 16, 20));
  EXPECT_EQ(ramp.largest_passed(), 20);
}

TEST(RampTest, LargeNumbersAreFoundToTwoPerCent) {
  Ramp ramp(1000, 1000000);
  Probe(ramp, 3333);
  EXPECT_LE(ramp.largest_passed(), 3333);
  EXPECT_GE(ramp.largest_passed(), 3333 / 1.02);
}

}  // namespace
}  // namespace foresight

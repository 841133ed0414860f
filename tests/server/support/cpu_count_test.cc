#include "server/support/cpu_count.h"

#include <gtest/gtest.h>

#include <thread>

namespace foresight {
namespace {

TEST(CpuCountTest, AQuotaIsRoundedUpToWholeCores) {
  EXPECT_EQ(CpusOfQuota("200000 100000\n"), 2);
  EXPECT_EQ(CpusOfQuota("150000 100000"), 2);
  EXPECT_EQ(CpusOfQuota("1000 100000"), 1);
}

TEST(CpuCountTest, NoQuotaIsNoLimit) {
  for (const char* text : {"max 100000", "", "200000", "x y", "0 100000",
                           "200000 0", "-1 100000"}) {
    EXPECT_EQ(CpusOfQuota(text), std::nullopt) << text;
  }
}

TEST(CpuCountTest, ThereIsAtLeastOneCoreAndAtMostAllOfTheMachine) {
  EXPECT_GE(AvailableCpus(), 1);
  EXPECT_LE(AvailableCpus(),
            static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace foresight

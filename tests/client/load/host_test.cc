#include "client/load/host.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(HostTest, ReadsTheModelOfTheCpu) {
  EXPECT_EQ(CpuModel("processor\t: 0\nmodel\t\t: 17\n"
                     "model name\t: AMD EPYC 9R14\nmodel name\t: other\n"),
            "AMD EPYC 9R14");
  EXPECT_EQ(CpuModel("CPU implementer : 0x41\n"), "unknown");
}

TEST(HostTest, StealIsAShareOfAllTimes) {
  const CpuTimes before =
      ParseCpuTimes("cpu  10 0 10 70 0 5 0 5 99 99\ncpu0 1 2 3\n");
  EXPECT_EQ(before.total, 100);
  EXPECT_EQ(before.steal, 5);
  const CpuTimes after = ParseCpuTimes("cpu  60 0 10 110 0 5 0 15 0 0\n");
  EXPECT_DOUBLE_EQ(StealFraction(before, after), 0.1);
  EXPECT_EQ(StealFraction(after, after), 0);
}

TEST(HostTest, MalformedTimesAreZero) {
  EXPECT_EQ(ParseCpuTimes("intr 1 2 3").total, 0);
  EXPECT_EQ(ParseCpuTimes("cpu  1 x 3").total, 0);
}

TEST(HostTest, ThisProcessHasUsedTheCpu) {
  EXPECT_GT(ProcessCpuTime(), absl::ZeroDuration());
  EXPECT_GT(DescribeHost().cores, 0);
  EXPECT_GT(ReadCpuTimes().total, 0);
}

}  // namespace
}  // namespace foresight

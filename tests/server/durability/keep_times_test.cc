#include "server/durability/keep_times.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace foresight {
namespace {

constexpr double kRounding = 1.19;  // 2^(1/4)

class KeepTimesTest : public ::testing::Test {
 protected:
  void Learn(int times, absl::Duration waited) {
    for (int i = 0; i < times; ++i) times_.Learn(waited, now_);
  }
  void ExpectAbout(absl::Duration wait) {
    EXPECT_GE(times_.Expect(), wait);
    EXPECT_LE(times_.Expect(), kRounding * wait);
  }

  KeepTimes times_;
  absl::Time now_ = absl::UnixEpoch() + absl::Hours(1);
};

TEST_F(KeepTimesTest, WithoutAMeasurementNoTimeIsReserved) {
  EXPECT_EQ(times_.Expect(), absl::ZeroDuration());
}

TEST_F(KeepTimesTest, EqualWaitsAreExpectedAgain) {
  for (const absl::Duration wait :
       {absl::Microseconds(100), absl::Microseconds(130), absl::Milliseconds(7),
        absl::Seconds(60)}) {
    times_ = KeepTimes();
    Learn(1, wait);
    ExpectAbout(wait);
    Learn(100, wait);
    ExpectAbout(wait);
  }
}

TEST_F(KeepTimesTest, WaitsOutsideTheTableCountAsItsFirstOrLast) {
  Learn(1, absl::ZeroDuration());
  ExpectAbout(absl::Microseconds(100));
  Learn(1, absl::Hours(1));
  EXPECT_GE(times_.Expect(), absl::Seconds(80));
}

TEST_F(KeepTimesTest, OneWaitInAHundredMayBeLonger) {
  Learn(990, absl::Milliseconds(1));
  Learn(10, absl::Milliseconds(20));
  ExpectAbout(absl::Milliseconds(1));
  Learn(5, absl::Milliseconds(20));
  ExpectAbout(absl::Milliseconds(20));
}

TEST_F(KeepTimesTest, ASlowSecondIsForgottenWithinTwentySeconds) {
  Learn(1000, absl::Milliseconds(20));
  const auto pass = [this](absl::Duration time) {
    for (const absl::Time end = now_ + time; now_ < end;) {
      now_ += absl::Milliseconds(10);
      Learn(10, absl::Milliseconds(1));
    }
  };
  pass(absl::Seconds(3));
  ExpectAbout(absl::Milliseconds(20));
  pass(absl::Seconds(17));
  ExpectAbout(absl::Milliseconds(1));
}

}  // namespace
}  // namespace foresight

#include "server/decisions/durations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

google::protobuf::Duration Proto(int64_t seconds, int32_t nanos) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return duration;
}

TEST(DurationsTest, ConvertingThereAndBackChangesNothing) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1250),
        absl::Hours(1000), -absl::Milliseconds(1250)}) {
    const auto back = FromProto("budget", ToProto(duration));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(*back, duration);
  }
}

TEST(DurationsTest, SecondsAndNanosHaveOneSign) {
  const auto proto = ToProto(-absl::Milliseconds(1250));
  EXPECT_EQ(proto.seconds(), -1);
  EXPECT_EQ(proto.nanos(), -250000000);
}

TEST(DurationsTest, AnInfiniteDurationIsTheLongest) {
  EXPECT_EQ(ToProto(absl::InfiniteDuration()).seconds(), 315576000000);
}

TEST(DurationsTest, AMessageThatIsNotADurationIsRefusedNamingTheField) {
  for (const auto& wrong :
       {Proto(1, -1), Proto(-1, 1), Proto(0, 1000000000), Proto(0, -1000000000),
        Proto(315576000001, 0), Proto(-315576000001, 0)}) {
    const absl::Status status = FromProto("budget", wrong).status();
    EXPECT_EQ(ReasonName(status), "SETTINGS_INVALID");
    EXPECT_THAT(std::string(status.message()), HasSubstr("budget has seconds"));
  }
}

}  // namespace
}  // namespace foresight

#include "models/training/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace foresight {
namespace {

using ::testing::HasSubstr;

TEST(TensorsOn, KnowsTheCpu) {
  const auto options = TensorsOn("cpu");
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_TRUE(options->device().is_cpu());
  EXPECT_EQ(options->dtype(), at::kFloat);
}

TEST(TensorsOn, RefusesUnknownDevices) {
  for (const char* text : {"", "gpu", "cpu:x", "meta", "cuda:-2"}) {
    const auto options = TensorsOn(text);
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_THAT(std::string(options.status().message()),
                HasSubstr("expected cpu, cuda or cuda:N"));
  }
}

TEST(TensorsOn, TellsADeviceThatThisMachineLacks) {
  const auto options = TensorsOn("cuda:63");
  EXPECT_EQ(options.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(options.status().message()),
              HasSubstr("cuda:63 is unavailable"));
}

}  // namespace
}  // namespace foresight

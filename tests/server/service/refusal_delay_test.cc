#include "server/service/refusal_delay.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(RefusalDelayTest, LongRequestsThatAreRefusedWait) {
  const absl::Status refusal = absl::InvalidArgumentError("too long");
  EXPECT_EQ(RefusalDelay(refusal, 1'000'000), absl::Milliseconds(100));
}

TEST(RefusalDelayTest, OrdinaryRequestsAndAnswersDoNotWait) {
  const absl::Status refusal = absl::InvalidArgumentError("too long");
  EXPECT_EQ(RefusalDelay(refusal, 10'000), absl::ZeroDuration());
  EXPECT_EQ(RefusalDelay(absl::OkStatus(), 1'000'000), absl::ZeroDuration());
}

}  // namespace
}  // namespace foresight

#include "server/support/log_limiter.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

absl::Time At(int milliseconds) {
  return absl::UnixEpoch() + absl::Milliseconds(milliseconds);
}

TEST(LogLimiterTest, EachSecondLetsSoManyThrough) {
  LogLimiter limiter(2);
  EXPECT_EQ(limiter.Admit(At(0)), 0u);
  EXPECT_EQ(limiter.Admit(At(10)), 0u);
  EXPECT_EQ(limiter.Admit(At(20)), std::nullopt);
  EXPECT_EQ(limiter.Admit(At(999)), std::nullopt);
  // Only the next line says how many are missing.
  EXPECT_EQ(limiter.Admit(At(1000)), 2u);
  EXPECT_EQ(limiter.Admit(At(1001)), 0u);
  EXPECT_EQ(limiter.Admit(At(1002)), std::nullopt);
  EXPECT_EQ(limiter.Admit(At(60000)), 1u);
}

}  // namespace
}  // namespace foresight

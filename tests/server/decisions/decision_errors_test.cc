#include "server/decisions/decision_errors.h"

#include <gtest/gtest.h>

#include "server/support/error.h"

namespace foresight {
namespace {

TEST(DecisionErrorsTest, AnEnginesFailureHasItsReason) {
  EXPECT_EQ(ReasonName(EngineError(absl::InvalidArgumentError("x"))),
            "OBSERVATION_INVALID");
  const absl::Status full = EngineError(absl::ResourceExhaustedError("x"));
  EXPECT_EQ(ReasonName(full), "OVERLOADED");
  EXPECT_GT(RetryDelay(full), absl::ZeroDuration());
  EXPECT_EQ(ReasonName(EngineError(absl::UnknownError("x"))), "INTERNAL");
  EXPECT_EQ(EngineError(absl::UnknownError("why")).message(), "why");
}

TEST(DecisionErrorsTest, ACallCancelledAfterItsDeadlineWasLate) {
  const absl::Time now = absl::UnixEpoch();
  EXPECT_EQ(ReasonName(GoneError(now + absl::Seconds(1), now)), "CANCELLED");
  EXPECT_EQ(ReasonName(GoneError(absl::InfiniteFuture(), now)), "CANCELLED");
  EXPECT_EQ(ReasonName(GoneError(now, now)), "DEADLINE_EXCEEDED");
}

}  // namespace
}  // namespace foresight

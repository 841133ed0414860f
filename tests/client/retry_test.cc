#include "client/retry.h"

#include <gtest/gtest.h>

#include <random>

#include "client/error_conversion.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

RetryPolicy Quick(int attempts) {
  return {attempts, absl::Microseconds(10), absl::Microseconds(100)};
}

absl::Status Overloaded(absl::Duration retry_after) {
  return CallError(absl::StatusCode::kResourceExhausted, "busy", "OVERLOADED",
                   retry_after);
}

// Runs with attempts that return `statuses` in turn, then OK.
absl::Status RunWith(const RetryPolicy& policy,
                     std::vector<absl::Status> statuses, int* attempts,
                     SteadyTime deadline = SteadyTime::max()) {
  *attempts = 0;
  return WithRetries(policy, deadline, nullptr, [&]() -> absl::Status {
    const size_t i = (*attempts)++;
    return i < statuses.size() ? statuses[i] : absl::OkStatus();
  });
}

TEST(RetryTest, OnlyPassingErrorsAreRetryable) {
  EXPECT_TRUE(IsRetryable(absl::UnavailableError("")));
  EXPECT_TRUE(IsRetryable(absl::AbortedError("")));
  EXPECT_TRUE(IsRetryable(Overloaded(absl::Seconds(1))));
  EXPECT_FALSE(IsRetryable(absl::ResourceExhaustedError("quota")));
  EXPECT_FALSE(IsRetryable(absl::InvalidArgumentError("")));
  EXPECT_FALSE(IsRetryable(absl::DeadlineExceededError("")));
  EXPECT_FALSE(IsRetryable(absl::CancelledError("")));
  EXPECT_FALSE(IsRetryable(absl::InternalError("")));
}

TEST(RetryTest, SucceedsAfterPassingErrors) {
  int attempts = 0;
  EXPECT_TRUE(RunWith(Quick(4),
                      {absl::UnavailableError("a"), absl::AbortedError("b"),
                       Overloaded(absl::Microseconds(1))},
                      &attempts)
                  .ok());
  EXPECT_EQ(attempts, 4);
}

TEST(RetryTest, AttemptsAreBoundedAndTheirNumberIsReported) {
  int attempts = 0;
  const absl::Status status = RunWith(
      Quick(3), std::vector<absl::Status>(9, Overloaded({})), &attempts);
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(status), v1::OVERLOADED);
  EXPECT_EQ(status.message(), "busy (tried 3 times)");
}

TEST(RetryTest, LastingErrorsAreNotRetried) {
  int attempts = 0;
  const absl::Status status =
      RunWith(Quick(4), {absl::NotFoundError("no model")}, &attempts);
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(status, absl::NotFoundError("no model"));
}

TEST(RetryTest, NoWaitGoesBeyondTheDeadline) {
  int attempts = 0;
  const absl::Status status = RunWith(
      {9, absl::Hours(1), absl::Hours(1)}, {absl::UnavailableError("gone")},
      &attempts, After(SteadyNow(), absl::Minutes(10)));
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(status, absl::UnavailableError("gone"));
}

TEST(RetryTest, CancellationEndsTheWait) {
  Cancellation cancellation;
  int attempts = 0;
  const absl::Status status =
      WithRetries({9, absl::Hours(1), absl::Hours(1)}, SteadyTime::max(),
                  &cancellation, [&] {
                    ++attempts;
                    cancellation.Cancel();
                    return absl::UnavailableError("gone");
                  });
  EXPECT_EQ(attempts, 1);
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(RetryTest, WaitsDoubleUpToTheLargestAndKeepAtLeastHalf) {
  const RetryPolicy policy = {9, absl::Milliseconds(50), absl::Seconds(1)};
  std::mt19937_64 random(1);
  const absl::Status gone = absl::UnavailableError("gone");
  const int expected_ms[] = {50, 100, 200, 400, 800, 1000, 1000};
  for (int attempt = 1; attempt <= 7; ++attempt) {
    const absl::Duration full = absl::Milliseconds(expected_ms[attempt - 1]);
    for (int i = 0; i < 100; ++i) {
      const absl::Duration wait = Backoff(policy, attempt, gone, random);
      EXPECT_GE(wait, full / 2) << attempt;
      EXPECT_LE(wait, full) << attempt;
    }
  }
  EXPECT_LE(Backoff(policy, 1000000, gone, random), absl::Seconds(1));
}

TEST(RetryTest, WaitsAsLongAsTheServerAsks) {
  std::mt19937_64 random(1);
  EXPECT_EQ(Backoff(RetryPolicy(), 1, Overloaded(absl::Seconds(7)), random),
            absl::Seconds(7));
}

}  // namespace
}  // namespace foresight

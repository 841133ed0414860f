#include "foresight/call_error.h"

#include <gtest/gtest.h>

#include "client/error_conversion.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace foresight {
namespace {

std::string Details(const std::string& reason, int seconds, int nanos) {
  google::rpc::Status status;
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(seconds);
  retry.mutable_retry_delay()->set_nanos(nanos);
  status.add_details()->PackFrom(retry);
  google::rpc::ErrorInfo info;
  info.set_reason(reason);
  status.add_details()->PackFrom(info);
  return status.SerializeAsString();
}

TEST(CallErrorTest, SuccessStaysSuccess) {
  EXPECT_TRUE(FromCall(grpc::Status::OK).ok());
}

TEST(CallErrorTest, CodeMessageReasonAndDelayArrive) {
  const absl::Status status = FromCall(
      grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "1024 sessions",
                   Details("SESSIONS_FULL", 2, 500000000)));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "1024 sessions");
  EXPECT_EQ(ErrorReason(status), v1::SESSIONS_FULL);
  EXPECT_EQ(ErrorReasonName(status), "SESSIONS_FULL");
  EXPECT_EQ(RetryAfter(status), absl::Milliseconds(2500));
}

TEST(CallErrorTest, AReasonOfANewerServerIsReadByItsName) {
  const absl::Status status = FromCall(grpc::Status(
      grpc::StatusCode::INTERNAL, "odd", Details("MOON_FULL", 0, 1)));
  EXPECT_EQ(ErrorReason(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(ErrorReasonName(status), "MOON_FULL");
}

TEST(CallErrorTest, AnotherMessageKeepsTheRest) {
  v1::Error error;
  error.set_code(9);
  error.set_reason("DECISION_SKIPPED");
  error.set_message("short");
  error.set_next_decision(3);
  error.mutable_retry_after()->set_seconds(2);
  const absl::Status status = WithMessage(FromAnswer(error), "longer");
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(status.message(), "longer");
  EXPECT_EQ(ErrorReason(status), v1::DECISION_SKIPPED);
  EXPECT_EQ(NextDecision(status), 3u);
  EXPECT_EQ(RetryAfter(status), absl::Seconds(2));
}

TEST(CallErrorTest, ErrorsWithoutDetailsHaveNoReason) {
  const absl::Status status = FromCall(
      grpc::Status(grpc::StatusCode::UNAVAILABLE, "connection refused"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReason(status), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(RetryAfter(status), std::nullopt);
  EXPECT_EQ(ErrorReason(absl::OkStatus()), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(CallErrorTest, BrokenDetailsLoseNeitherCodeNorMessage) {
  const absl::Status status = FromCall(grpc::Status(
      grpc::StatusCode::NOT_FOUND, "no model", "\xff\xffnot a message"));
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no model");
  EXPECT_EQ(ErrorReason(status), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(CallErrorTest, CodesBeyondTheKnownAreUnknown) {
  // The enumeration can hold values up to 31; a larger one is undefined.
  EXPECT_EQ(
      FromCall(grpc::Status(static_cast<grpc::StatusCode>(17), "odd")).code(),
      absl::StatusCode::kUnknown);
}

TEST(CallErrorTest, AnswersOfAStreamReadAlike) {
  v1::Error error;
  error.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
  error.set_reason("OVERLOADED");
  error.set_message("too busy");
  error.mutable_retry_after()->set_nanos(20000000);
  const absl::Status status = FromAnswer(error);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "too busy");
  EXPECT_EQ(ErrorReason(status), v1::OVERLOADED);
  EXPECT_EQ(RetryAfter(status), absl::Milliseconds(20));

  error.clear_retry_after();
  error.set_code(0);  // An error with the code OK is still an error.
  EXPECT_EQ(FromAnswer(error).code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(RetryAfter(FromAnswer(error)), std::nullopt);
}

TEST(CallErrorTest, ASkippedDecisionNamesTheOneThatIsExpected) {
  google::rpc::ErrorInfo info;
  info.set_reason("DECISION_SKIPPED");
  (*info.mutable_metadata())["next_decision"] = "18446744073709551615";
  google::rpc::Status details;
  details.add_details()->PackFrom(info);
  const auto of_call = [&] {
    return FromCall(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "",
                                 details.SerializeAsString()));
  };
  EXPECT_EQ(NextDecision(of_call()), 18446744073709551615u);
  v1::Error error;
  error.set_code(9);
  EXPECT_EQ(NextDecision(FromAnswer(error)), std::nullopt);
  error.set_next_decision(0);
  EXPECT_EQ(NextDecision(FromAnswer(error)), 0u);
}

}  // namespace
}  // namespace foresight

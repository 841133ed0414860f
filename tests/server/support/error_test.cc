#include "server/support/error.h"

#include <gtest/gtest.h>

#include <set>

#include "google/rpc/error_details.pb.h"
#include "proto/adaptation.pb.h"

namespace foresight {
namespace {

TEST(ErrorTest, EachReasonHasItsCodeAndName) {
  // As in proto/adaptation.proto and proto/admin.proto.
  const struct {
    Reason reason;
    absl::StatusCode code;
    const char* name;
  } rows[] = {
      {Reason::kModelUnknown, absl::StatusCode::kNotFound, "MODEL_UNKNOWN"},
      {Reason::kBundleInvalid, absl::StatusCode::kInvalidArgument,
       "BUNDLE_INVALID"},
      {Reason::kModelsFull, absl::StatusCode::kResourceExhausted,
       "MODELS_FULL"},
      {Reason::kSettingsInvalid, absl::StatusCode::kInvalidArgument,
       "SETTINGS_INVALID"},
      {Reason::kObservationInvalid, absl::StatusCode::kInvalidArgument,
       "OBSERVATION_INVALID"},
      {Reason::kSessionExists, absl::StatusCode::kAlreadyExists,
       "SESSION_EXISTS"},
      {Reason::kSessionUnknown, absl::StatusCode::kNotFound, "SESSION_UNKNOWN"},
      {Reason::kSessionsFull, absl::StatusCode::kResourceExhausted,
       "SESSIONS_FULL"},
      {Reason::kOverloaded, absl::StatusCode::kResourceExhausted, "OVERLOADED"},
      {Reason::kDecisionSkipped, absl::StatusCode::kFailedPrecondition,
       "DECISION_SKIPPED"},
      {Reason::kDecisionChanged, absl::StatusCode::kFailedPrecondition,
       "DECISION_CHANGED"},
      {Reason::kDecisionInFlight, absl::StatusCode::kAborted,
       "DECISION_IN_FLIGHT"},
      {Reason::kDraining, absl::StatusCode::kUnavailable, "DRAINING"},
      {Reason::kSnapshotInvalid, absl::StatusCode::kInvalidArgument,
       "SNAPSHOT_INVALID"},
      {Reason::kWeightsDiffer, absl::StatusCode::kFailedPrecondition,
       "WEIGHTS_DIFFER"},
  };
  for (const auto& row : rows) {
    const absl::Status status = MakeError(row.reason, "expected 17, got 16");
    EXPECT_EQ(status.code(), row.code) << row.name;
    EXPECT_EQ(ReasonName(status), row.name);
    EXPECT_EQ(status.message(), "expected 17, got 16");
    EXPECT_EQ(RetryDelay(status), std::nullopt);
  }
}

TEST(ErrorTest, TheContractListsTheReasons) {
  std::set<std::string> listed;
  for (int i = v1::ErrorReason_MIN; i <= v1::ErrorReason_MAX; ++i) {
    if (i != v1::ERROR_REASON_UNSPECIFIED) {
      listed.insert(v1::ErrorReason_Name(static_cast<v1::ErrorReason>(i)));
    }
  }
  const std::vector<absl::string_view> names = ReasonNames();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), listed);
}

TEST(ErrorTest, ThePayloadsHaveTheWiresForm) {
  const absl::Status status =
      MakeError(Reason::kOverloaded, "full", absl::Milliseconds(1250));
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(status.GetPayload(kErrorInfoUrl).value())));
  EXPECT_EQ(info.reason(), "OVERLOADED");
  EXPECT_EQ(info.domain(), "foresight");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(
      std::string(status.GetPayload(kRetryInfoUrl).value())));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_EQ(retry.retry_delay().nanos(), 250000000);
  EXPECT_EQ(RetryDelay(status), absl::Milliseconds(1250));
}

TEST(ErrorTest, AStatusOfSomebodyElseHasNoReason) {
  EXPECT_EQ(ReasonName(absl::InternalError("x")), "");
  EXPECT_EQ(ReasonName(absl::OkStatus()), "");
  EXPECT_EQ(RetryDelay(absl::InternalError("x")), std::nullopt);
}

TEST(ErrorTest, ASkippedDecisionNamesTheOneThatIsExpected) {
  const absl::Status skipped = SkippedError(30, 20);
  EXPECT_EQ(ReasonName(skipped), "DECISION_SKIPPED");
  EXPECT_EQ(skipped.message(), "decision_index is 30, expected 20");
  EXPECT_EQ(ExpectedDecision(skipped), 20u);
  EXPECT_EQ(ExpectedDecision(MakeError(Reason::kDecisionChanged, "")),
            std::nullopt);
  EXPECT_EQ(ExpectedDecision(absl::OkStatus()), std::nullopt);
}

}  // namespace
}  // namespace foresight

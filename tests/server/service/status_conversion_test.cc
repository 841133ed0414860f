#include "server/service/status_conversion.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/support/error.h"

namespace foresight {
namespace {

TEST(StatusConversionTest, DetailsTravelAsAGoogleRpcStatus) {
  const grpc::Status status =
      ToGrpc(MakeError(Reason::kSessionsFull, "full", absl::Seconds(2)));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "full");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), 8);
  EXPECT_EQ(details.message(), "full");
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  for (const auto& detail : details.details()) {
    detail.UnpackTo(&info);
    detail.UnpackTo(&retry);
  }
  EXPECT_EQ(info.reason(), "SESSIONS_FULL");
  EXPECT_EQ(info.domain(), "foresight");
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
}

TEST(StatusConversionTest, OkIsOk) {
  EXPECT_TRUE(ToGrpc(absl::OkStatus()).ok());
}

TEST(StatusConversionTest, AStreamCarriesTheSame) {
  const v1::Error error =
      ToError(MakeError(Reason::kOverloaded, "busy", absl::Milliseconds(1500)));
  EXPECT_EQ(error.code(), 8);
  EXPECT_EQ(error.reason(), "OVERLOADED");
  EXPECT_EQ(error.message(), "busy");
  EXPECT_EQ(error.retry_after().seconds(), 1);
  EXPECT_EQ(error.retry_after().nanos(), 500000000);
  EXPECT_FALSE(ToError(MakeError(Reason::kDraining, "x")).has_retry_after());
}

}  // namespace
}  // namespace foresight

#include "server/service/grpc_log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "proto/adaptation.pb.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The lines that `write` makes the libraries log.
template <typename Write>
std::string Logged(Write write) {
  RouteGrpcLog();
  testing::internal::CaptureStderr();
  write();
  return testing::internal::GetCapturedStderr();
}

void ParseInvalidText() {
  v1::ActRequest request;
  EXPECT_FALSE(request.ParseFromString("\x0a\x01\xff"));  // session_id.
}

TEST(GrpcLogTest, LinesOfTheLibrariesAreEvents) {
  const std::string log = Logged([] {
    ParseInvalidText();
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);  // As grpc_init does.
    gpr_log("/a/file.cc", 7, GPR_LOG_SEVERITY_ERROR, "no handshake");
  });
  EXPECT_THAT(log, HasSubstr(" WARNING protobuf message="));
  EXPECT_THAT(log, HasSubstr("invalid UTF-8"));
  EXPECT_THAT(log, Not(HasSubstr("libprotobuf")));
  EXPECT_THAT(
      log, HasSubstr(" ERROR grpc message=\"no handshake\" source=file.cc:7"));
}

TEST(GrpcLogTest, AFloodIsCutOff) {
  const std::string log = Logged([] {
    for (int i = 0; i < 10000; ++i) ParseInvalidText();
  });
  const size_t lines =
      std::vector<std::string>(absl::StrSplit(log, '\n')).size();
  EXPECT_GT(lines, 1u);
  EXPECT_LT(lines, 5000u);
}

}  // namespace
}  // namespace foresight

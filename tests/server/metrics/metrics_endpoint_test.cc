#include "server/metrics/metrics_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/metrics/metrics.h"
#include "tests/support/http_get.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

TEST(MetricsEndpointTest, TheMetricsAreServedAsText) {
  Metrics metrics("1");
  metrics.sessions.Set(3);
  const auto endpoint =
      MetricsEndpoint::Create("127.0.0.1:0", metrics.registry());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const std::string page = HttpGet((*endpoint)->port(), "/metrics");
  EXPECT_THAT(page, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(page, HasSubstr("\nforesight_sessions 3\n"));
}

TEST(MetricsEndpointTest, ATakenPortIsRefusedNamingIt) {
  Metrics metrics("1");
  const auto first = MetricsEndpoint::Create("127.0.0.1:0", metrics.registry());
  ASSERT_TRUE(first.ok());
  const std::string address = absl::StrCat("127.0.0.1:", (*first)->port());
  const auto second = MetricsEndpoint::Create(address, metrics.registry());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

}  // namespace
}  // namespace foresight

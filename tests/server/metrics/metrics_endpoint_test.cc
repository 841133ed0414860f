#include "server/metrics/metrics_endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "server/metrics/metrics.h"
#include "server/metrics/process_metrics.h"
#include "tests/support/http_get.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(MetricsEndpointTest, AllCollectablesAreServedAsOneText) {
  Metrics metrics("1");
  metrics.sessions.Set(3);
  const auto endpoint = MetricsEndpoint::Create(
      "127.0.0.1:0", {metrics.registry(), std::make_shared<ProcessMetrics>()});
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  EXPECT_THAT(
      HttpGet((*endpoint)->port(), "/metrics"),
      AllOf(HasSubstr("HTTP/1.1 200"), HasSubstr("\nforesight_sessions 3\n"),
            HasSubstr("\nprocess_open_fds "),
            HasSubstr("Content-Type: text/plain; version=0.0.4")));
}

TEST(MetricsEndpointTest, OnlyAServingServerIsReady) {
  const auto endpoint = MetricsEndpoint::Create("127.0.0.1:0", {});
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const struct {
    Readiness readiness;
    const char* status_line;
    const char* text;
  } rows[] = {{Readiness::kLoading, "HTTP/1.1 503", "\r\n\r\nloading models\n"},
              {Readiness::kServing, "HTTP/1.1 200", "\r\n\r\nserving\n"},
              {Readiness::kDraining, "HTTP/1.1 503", "\r\n\r\ndraining\n"}};
  for (const auto& row : rows) {
    (*endpoint)->SetReadiness(row.readiness);
    EXPECT_THAT(HttpGet((*endpoint)->port(), "/readyz"),
                AllOf(HasSubstr(row.status_line), HasSubstr(row.text)));
    EXPECT_THAT(HttpGet((*endpoint)->port(), "/livez"),
                HasSubstr("HTTP/1.1 200"));
  }
}

TEST(MetricsEndpointTest, AnotherPathIsNotFound) {
  const auto endpoint = MetricsEndpoint::Create("127.0.0.1:0", {});
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  for (const char* path : {"/", "/metrics/x", "/readyz2", "/etc/passwd"}) {
    EXPECT_THAT(HttpGet((*endpoint)->port(), path),
                AllOf(HasSubstr("HTTP/1.1 404"), HasSubstr("/readyz")));
  }
}

TEST(MetricsEndpointTest, ATakenPortIsRefusedNamingIt) {
  const auto first = MetricsEndpoint::Create("127.0.0.1:0", {});
  ASSERT_TRUE(first.ok());
  const std::string address = absl::StrCat("127.0.0.1:", (*first)->port());
  const auto second = MetricsEndpoint::Create(address, {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(address));
}

}  // namespace
}  // namespace foresight

#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/text_serializer.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

std::string Text(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.registry()->Collect());
}

TEST(MetricsTest, RequestsAreCountedByMethodAndCode) {
  Metrics metrics("1.2.3");
  metrics.CountRequest(Method::kAct, absl::StatusCode::kOk);
  metrics.CountRequest(Method::kAct, absl::StatusCode::kOk);
  metrics.CountRequest(Method::kImportSession,
                       absl::StatusCode::kUnauthenticated);
  const std::string text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("foresight_requests_total{code=\"OK\","
                              "method=\"Act\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("foresight_requests_total{code="
                              "\"UNAUTHENTICATED\",method=\"ImportSession\"} "
                              "1\n"));
  EXPECT_THAT(text, HasSubstr("foresight_requests_total{code=\"OK\","
                              "method=\"Control\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("foresight_build_info{version=\"1.2.3\"} 1\n"));
}

TEST(MetricsTest, DecisionsAreCountedByOutcomeAndTheirStepsAddUp) {
  Metrics metrics("1");
  v1::AdaptationReport report;
  report.set_outcome(v1::TRUNCATED);
  report.set_steps_done(3);
  metrics.CountDecision(report);
  report.set_outcome(v1::NON_FINITE);
  report.set_steps_done(2);
  metrics.CountDecision(report);
  const std::string text = Text(metrics);
  EXPECT_THAT(
      text, HasSubstr("foresight_decisions_total{outcome=\"TRUNCATED\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("foresight_decisions_total{outcome=\"NON_FINITE\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("foresight_adaptation_steps_total 5\n"));
}

TEST(MetricsTest, LatencyIsResolvedBelowAMillisecond) {
  Metrics metrics("1");
  metrics.decision_seconds.Observe(150e-6);
  const std::string text = Text(metrics);
  EXPECT_THAT(text,
              HasSubstr("foresight_decision_seconds_bucket{le=\"0.0001\"} 0"));
  EXPECT_THAT(text,
              HasSubstr("foresight_decision_seconds_bucket{le=\"0.0002\"} 1"));
}

}  // namespace
}  // namespace foresight

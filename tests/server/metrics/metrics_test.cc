#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "prometheus/text_serializer.h"
#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

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
  EXPECT_THAT(text, ContainsRegex("foresight_build_info\\{compiler=\"[^\"]+\","
                                  "version=\"1.2.3\"\\} 1\n"));
}

TEST(MetricsTest, DecisionsAreCountedByOutcomeAndTheirStepsAddUp) {
  Metrics metrics("1");
  v1::AdaptationReport report;
  report.set_outcome(v1::TRUNCATED);
  report.set_steps_requested(5);
  report.set_steps_done(3);
  metrics.CountDecision(report);
  report.set_outcome(v1::NON_FINITE);  // Ended by a step, not by the clock.
  report.set_steps_done(2);
  metrics.CountDecision(report);
  const std::string text = Text(metrics);
  EXPECT_THAT(
      text, HasSubstr("foresight_decisions_total{outcome=\"TRUNCATED\"} 1\n"));
  EXPECT_THAT(
      text, HasSubstr("foresight_decisions_total{outcome=\"NON_FINITE\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("foresight_adaptation_steps_requested_total 10\n"));
  EXPECT_THAT(text, HasSubstr("foresight_adaptation_steps_total 5\n"));
  EXPECT_THAT(text, HasSubstr("foresight_adaptation_steps_shed_total 2\n"));
}

TEST(MetricsTest, NormsAreOfDecisionsThatAdapted) {
  Metrics metrics("1");
  v1::AdaptationReport report;
  report.set_outcome(v1::FROZEN);
  metrics.CountDecision(report);  // No step asked for.
  report.set_steps_requested(1);
  report.set_drift(0.02f);  // From earlier decisions.
  metrics.CountDecision(report);
  report.set_outcome(v1::ADAPTED);
  report.set_steps_done(1);
  report.set_gradient_norm(50);
  metrics.CountDecision(report);
  report.set_objective_before(100);
  report.set_objective_after(105);
  metrics.CountDecision(report);
  const std::string text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("foresight_drift_count 3\n"));
  EXPECT_THAT(text, HasSubstr("foresight_drift_bucket{le=\"0.01\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("foresight_drift_bucket{le=\"0.03\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("foresight_gradient_norm_count 2\n"));
  EXPECT_THAT(text, HasSubstr("foresight_gradient_norm_sum 100\n"));
  EXPECT_THAT(text, HasSubstr("foresight_objective_gain_count 1\n"));
  EXPECT_THAT(text, HasSubstr("foresight_objective_gain_sum 5\n"));
}

TEST(MetricsTest, AValueThatIsNotFiniteDoesNotSpoilASum) {
  Metrics metrics("1");
  v1::AdaptationReport report;
  report.set_outcome(v1::NON_FINITE);
  report.set_steps_requested(2);
  report.set_steps_done(1);
  report.set_gradient_norm(std::numeric_limits<float>::infinity());
  report.set_objective_after(std::nanf(""));
  metrics.CountDecision(report);
  const std::string text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("foresight_gradient_norm_sum 0\n"));
  EXPECT_THAT(text, HasSubstr("foresight_objective_gain_sum 0\n"));
}

TEST(MetricsTest, ALateAnswerHasNoSlackAndIsAMiss) {
  Metrics metrics("1");
  metrics.CountAnswer(absl::Milliseconds(8));
  metrics.CountAnswer(-absl::Milliseconds(3));
  metrics.CountRefusal(MakeError(Reason::kDeadlineExceeded, "late"));
  metrics.CountRefusal(MakeError(Reason::kOverloaded, "full"));
  const std::string text = Text(metrics);
  EXPECT_THAT(text, HasSubstr("foresight_slack_seconds_bucket{le=\"0\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("foresight_slack_seconds_bucket{le=\"0.007\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("foresight_slack_seconds_bucket{le=\"0.01\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("foresight_slack_seconds_sum 0.008\n"));
  EXPECT_THAT(text, HasSubstr("foresight_deadline_misses_total 2\n"));
  EXPECT_THAT(text,
              HasSubstr("foresight_refusals_total{reason=\"OVERLOADED\"} 1\n"));
}

TEST(MetricsTest, AModelIsDescribedByItsLabels) {
  Metrics metrics("1");
  EXPECT_THAT(Text(metrics), Not(HasSubstr("foresight_model_info{")));
  v1::Model model;
  model.set_name("walker");
  model.set_version("3");
  model.set_weights_sha256("ab12");
  model.set_engine("fused");
  model.set_device("cpu");
  metrics.ServeModel(model);
  EXPECT_THAT(Text(metrics),
              HasSubstr("foresight_model_info{device=\"cpu\",engine=\"fused\","
                        "model=\"walker\",version=\"3\","
                        "weights_sha256=\"ab12\"} 1\n"));
}

TEST(MetricsTest, AReplacedModelIsNoLongerDescribed) {
  Metrics metrics("1");
  v1::Model model;
  model.set_name("walker");
  model.set_weights_sha256("old");
  metrics.ServeModel(model);
  metrics.ServeModel(model);  // The same model again.
  EXPECT_THAT(Text(metrics), HasSubstr("weights_sha256=\"old\"} 1\n"));
  model.set_weights_sha256("new");
  metrics.ServeModel(model);
  v1::Model other;
  other.set_name("hopper");
  metrics.ServeModel(other);
  EXPECT_THAT(Text(metrics), HasSubstr("weights_sha256=\"new\"} 1\n"));
  EXPECT_THAT(Text(metrics), Not(HasSubstr("weights_sha256=\"old\"")));
  metrics.ForgetModel("walker");
  EXPECT_THAT(Text(metrics), Not(HasSubstr("walker")));
  EXPECT_THAT(Text(metrics), HasSubstr("hopper"));
}

TEST(MetricsTest, LoadsAreCountedByTheirResult) {
  Metrics metrics("1");
  metrics.CountModelLoad(true);
  metrics.CountModelLoad(false);
  metrics.CountModelLoad(false);
  const std::string text = Text(metrics);
  EXPECT_THAT(text,
              HasSubstr("foresight_model_loads_total{result=\"loaded\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("foresight_model_loads_total{result=\"refused\"} 2\n"));
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

TEST(MetricsTest, TheJournalIsSilentUntilThereIsOne) {
  Metrics metrics("1");
  EXPECT_THAT(Text(metrics), Not(HasSubstr("foresight_journal_up ")));
  metrics.SetJournalUp(true);
  EXPECT_THAT(Text(metrics), HasSubstr("foresight_journal_up 1\n"));
  metrics.SetJournalUp(false);
  EXPECT_THAT(Text(metrics), HasSubstr("foresight_journal_up 0\n"));
}

}  // namespace
}  // namespace foresight

#include "server/metrics/metrics.h"

#include <utility>

#include "server/support/error.h"

namespace foresight {
namespace {

constexpr const char* kMethodNames[kMethods] = {
    "ListModels",   "GetModel",     "OpenSession",   "Act",          "Control",
    "ResetSession", "CloseSession", "ExportSession", "ImportSession"};

prometheus::Family<prometheus::Counter>& CounterFamily(
    prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name,
                         const char* help,
                         const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(
      labels);
}

// From 50 microseconds, a frozen action, to 10 s; two or three a decade.
prometheus::Histogram& Seconds(prometheus::Registry& registry, const char* name,
                               const char* help) {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Register(registry)
      .Add({}, prometheus::Histogram::BucketBoundaries{
                   50e-6,  100e-6, 200e-6, 500e-6, 1e-3,  2e-3,  3e-3,
                   5e-3,   7.5e-3, 10e-3,  15e-3,  20e-3, 30e-3, 50e-3,
                   100e-3, 200e-3, 500e-3, 1,      2,     5,     10});
}

}  // namespace

Metrics::Metrics(absl::string_view version)
    : Metrics(version, std::make_shared<prometheus::Registry>()) {}

Metrics::Metrics(absl::string_view version,
                 std::shared_ptr<prometheus::Registry> registry)
    : decision_seconds(
          Seconds(*registry, "foresight_decision_seconds",
                  "Time from a decision's arrival to its answer.")),
      queue_seconds(Seconds(*registry, "foresight_queue_seconds",
                            "Time that a decision waited for a core.")),
      adapt_seconds(Seconds(*registry, "foresight_adapt_seconds",
                            "Time that a decision took on its core.")),
      sessions(Gauge(*registry, "foresight_sessions", "Sessions open.")),
      decisions_in_flight(Gauge(*registry, "foresight_decisions_in_flight",
                                "Decisions accepted and not yet answered.")),
      control_streams(Gauge(*registry, "foresight_control_streams",
                            "Control streams open.")),
      queued_decisions(Gauge(*registry, "foresight_queued_decisions",
                             "Decisions waiting for a core.")),
      sessions_expired(CounterFamily(*registry,
                                     "foresight_sessions_expired_total",
                                     "Sessions freed because idle.")
                           .Add({})),
      registry_(std::move(registry)),
      steps_(CounterFamily(*registry_, "foresight_adaptation_steps_total",
                           "Adaptation steps done.")
                 .Add({})),
      steps_shed_(CounterFamily(*registry_,
                                "foresight_adaptation_steps_shed_total",
                                "Adaptation steps asked for and not done.")
                      .Add({})) {
  auto& refusals = CounterFamily(
      *registry_, "foresight_refusals_total",
      "Decisions and sessions that were refused or failed, by reason.");
  for (const absl::string_view reason : ReasonNames()) {
    refusals_[std::string(reason)] =
        &refusals.Add({{"reason", std::string(reason)}});
  }
  auto& requests = CounterFamily(*registry_, "foresight_requests_total",
                                 "Requests answered, by method and code.");
  for (int method = 0; method < kMethods; ++method) {
    for (int code = 0; code < kCodes; ++code) {
      requests_[method][code] = &requests.Add(
          {{"method", kMethodNames[method]},
           {"code",
            absl::StatusCodeToString(static_cast<absl::StatusCode>(code))}});
    }
  }
  auto& outcomes = CounterFamily(*registry_, "foresight_decisions_total",
                                 "Decisions made, by outcome.");
  for (int outcome = 0; outcome < kOutcomes; ++outcome) {
    outcomes_[outcome] = &outcomes.Add(
        {{"outcome", v1::Outcome_Name(static_cast<v1::Outcome>(outcome))}});
  }
  Gauge(*registry_, "foresight_build_info", "Always 1; the version is a label.",
        {{"version", std::string(version)}})
      .Set(1);
}

void Metrics::CountRequest(Method method, absl::StatusCode code) {
  requests_[static_cast<int>(method)][static_cast<int>(code)]->Increment();
}

void Metrics::CountDecision(const v1::AdaptationReport& report) {
  outcomes_[report.outcome()]->Increment();
  steps_.Increment(report.steps_done());
  steps_shed_.Increment(report.steps_requested() - report.steps_done());
}

void Metrics::CountRefusal(const absl::Status& status) {
  const auto refusal = refusals_.find(ReasonName(status));
  if (refusal != refusals_.end()) refusal->second->Increment();
}

}  // namespace foresight

#include "server/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/support/error.h"

namespace foresight {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

constexpr const char* kMethodNames[kMethods] = {
    "ListModels",    "GetModel",     "OpenSession",  "Act",
    "Control",       "ResetSession", "CloseSession", "ExportSession",
    "ImportSession", "LoadModel",    "UnloadModel",  "ListSessions",
    "Drain"};

prometheus::Family<prometheus::Counter>& CounterFamily(
    prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Counter& Counter(prometheus::Registry& registry, const char* name,
                             const char* help) {
  return CounterFamily(registry, name, help).Add({});
}

prometheus::Family<prometheus::Gauge>& GaugeFamily(
    prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name,
                         const char* help) {
  return GaugeFamily(registry, name, help).Add({});
}

prometheus::Histogram& Histogram(prometheus::Registry& registry,
                                 const char* name, const char* help,
                                 const Buckets& buckets) {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Register(registry)
      .Add({}, buckets);
}

// From 50 microseconds, a frozen answer, to 10 s; finest at the periods of
// control loops, 1 to 100 ms.
Buckets Seconds() {
  return {50e-6, 100e-6, 200e-6, 500e-6, 1e-3,  2e-3,  3e-3,  4e-3,  5e-3,
          7e-3,  10e-3,  15e-3,  20e-3,  25e-3, 30e-3, 40e-3, 50e-3, 70e-3,
          0.1,   0.2,    0.5,    1,      2,     5,     10};
}

// Zero has its own bucket: no time was left.
Buckets SlackSeconds() {
  return {0,     1e-3,  2e-3,  3e-3,  5e-3,   7e-3, 10e-3, 15e-3, 20e-3,
          30e-3, 40e-3, 50e-3, 70e-3, 100e-3, 0.2,  0.5,   1};
}

// Returns differ by orders of magnitude between environments.
Buckets Gains() {
  return {-100, -10, -1, -0.1, -0.01, 0, 0.01, 0.1, 1, 10, 100};
}

Buckets Norms() {
  return {1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1,
          3,    10,   30,   100,  300,  1e3, 1e4};
}

// A single value that is not finite would spoil the sum for ever.
void ObserveFinite(prometheus::Histogram& histogram, double value) {
  if (std::isfinite(value)) histogram.Observe(value);
}

}  // namespace

Metrics::Metrics(absl::string_view version)
    : Metrics(version, std::make_shared<prometheus::Registry>()) {}

Metrics::Metrics(absl::string_view version,
                 std::shared_ptr<prometheus::Registry> registry)
    : decision_seconds(Histogram(
          *registry, "foresight_decision_seconds",
          "Time from a decision's arrival to its answer.", Seconds())),
      queue_seconds(Histogram(*registry, "foresight_queue_seconds",
                              "Time that a decision waited for a core.",
                              Seconds())),
      adapt_seconds(Histogram(*registry, "foresight_adapt_seconds",
                              "Time that a decision took on its core.",
                              Seconds())),
      sessions(Gauge(*registry, "foresight_sessions", "Sessions open.")),
      sessions_limit(Gauge(*registry, "foresight_sessions_limit",
                           "Sessions that may be open at once.")),
      psi_bytes(Gauge(*registry, "foresight_psi_bytes",
                      "Memory of the adapted policies that sessions hold.")),
      decisions_in_flight(Gauge(*registry, "foresight_decisions_in_flight",
                                "Decisions accepted and not yet answered.")),
      control_streams(Gauge(*registry, "foresight_control_streams",
                            "Control streams open.")),
      queued_decisions(Gauge(*registry, "foresight_queued_decisions",
                             "Decisions waiting for a core.")),
      queue_limit(Gauge(*registry, "foresight_queue_limit",
                        "Decisions that may wait for a core at once.")),
      model_generations(Gauge(
          *registry, "foresight_model_generations",
          "Models in memory: those served, and those replaced or unloaded "
          "that sessions still use.")),
      model_generations_limit(Gauge(*registry,
                                    "foresight_model_generations_limit",
                                    "Models that may be in memory at once.")),
      sessions_expired(Counter(*registry, "foresight_sessions_expired_total",
                               "Sessions freed because idle.")),
      certificate_reload_failures(
          Counter(*registry, "foresight_certificate_reload_failures_total",
                  "Replacements of the certificate, its key or the client CA "
                  "that were refused.")),
      journal_failures(Counter(*registry, "foresight_journal_failures_total",
                               "Times that the store of sessions began to "
                               "fail or to hang.")),
      journal_lost_changes(Counter(*registry,
                                   "foresight_journal_lost_changes_total",
                                   "Changes of sessions that were not kept.")),
      registry_(std::move(registry)),
      slack_seconds_(Histogram(
          *registry_, "foresight_slack_seconds",
          "Time left until the deadline when a decision was answered; 0 if it "
          "was late.",
          SlackSeconds())),
      objective_gain_(Histogram(
          *registry_, "foresight_objective_gain",
          "Imagined return after a decision's steps minus that before them.",
          Gains())),
      gradient_norm_(Histogram(*registry_, "foresight_gradient_norm",
                               "Norm of a decision's last gradient, before "
                               "its limit.",
                               Norms())),
      drift_(Histogram(*registry_, "foresight_drift",
                       "Distance of the adapted policy's parameters from the "
                       "pretrained ones.",
                       Norms())),
      deadline_misses_(Counter(*registry_, "foresight_deadline_misses_total",
                               "Decisions that were not answered before their "
                               "deadline.")),
      steps_asked_(Counter(*registry_,
                           "foresight_adaptation_steps_requested_total",
                           "Adaptation steps that decisions asked for.")),
      steps_(Counter(*registry_, "foresight_adaptation_steps_total",
                     "Adaptation steps done.")),
      steps_shed_(Counter(*registry_, "foresight_adaptation_steps_shed_total",
                          "Adaptation steps not done for lack of time.")),
      model_info_(GaugeFamily(*registry_, "foresight_model_info",
                              "Always 1; a model that is served.")),
      certificate_expiry_(GaugeFamily(
          *registry_, "foresight_certificate_expiry_seconds",
          "When the certificate in use expires, in seconds since 1970.")),
      journal_up_(GaugeFamily(*registry_, "foresight_journal_up",
                              "1 while the store of sessions works, else "
                              "0.")) {
  auto& refusals = CounterFamily(
      *registry_, "foresight_refusals_total",
      "Decisions, sessions and callers that were refused or failed, by "
      "reason.");
  for (const absl::string_view reason : ReasonNames()) {
    refusals_[std::string(reason)] =
        &refusals.Add({{"reason", std::string(reason)}});
  }
  auto& loads = CounterFamily(*registry_, "foresight_model_loads_total",
                              "Models loaded or refused while the server "
                              "serves.");
  loads_ = &loads.Add({{"result", "loaded"}});
  refused_loads_ = &loads.Add({{"result", "refused"}});
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
  GaugeFamily(*registry_, "foresight_build_info",
              "Always 1; the build that runs.")
      .Add({{"version", std::string(version)}, {"compiler", __VERSION__}})
      .Set(1);
}

void Metrics::CountRequest(Method method, absl::StatusCode code) {
  requests_[static_cast<int>(method)][static_cast<int>(code)]->Increment();
}

void Metrics::CountDecision(const v1::AdaptationReport& report) {
  outcomes_[report.outcome()]->Increment();
  if (report.steps_requested() == 0) return;
  steps_asked_.Increment(report.steps_requested());
  steps_.Increment(report.steps_done());
  // A NON_FINITE decision ended with a refused step: no step was shed.
  if (report.outcome() != v1::NON_FINITE) {
    steps_shed_.Increment(report.steps_requested() - report.steps_done());
  }
  ObserveFinite(drift_, report.drift());
  if (report.steps_done() == 0) return;
  ObserveFinite(gradient_norm_, report.gradient_norm());
  if (report.has_objective_after()) {
    ObserveFinite(objective_gain_,
                  report.objective_after() - report.objective_before());
  }
}

void Metrics::CountAnswer(absl::Duration slack) {
  if (slack < absl::ZeroDuration()) deadline_misses_.Increment();
  slack_seconds_.Observe(
      absl::ToDoubleSeconds(std::max(slack, absl::ZeroDuration())));
}

void Metrics::SetJournalUp(bool up) { journal_up_.Add({}).Set(up ? 1 : 0); }

void Metrics::SetCertificateExpiry(absl::Time expiry) {
  certificate_expiry_.Add({}).Set(
      static_cast<double>(absl::ToUnixSeconds(expiry)));
}

void Metrics::CountRefusal(const absl::Status& status) {
  if (absl::IsDeadlineExceeded(status)) deadline_misses_.Increment();
  const auto refusal = refusals_.find(ReasonName(status));
  if (refusal != refusals_.end()) refusal->second->Increment();
}

void Metrics::ServeModel(const v1::Model& model) {
  prometheus::Gauge& served =
      model_info_.Add({{"model", model.name()},
                       {"version", model.version()},
                       {"weights_sha256", model.weights_sha256()},
                       {"engine", model.engine()},
                       {"device", model.device()}});
  served.Set(1);
  absl::MutexLock lock(&mutex_);
  prometheus::Gauge*& known = models_[model.name()];
  if (known != nullptr && known != &served) model_info_.Remove(known);
  known = &served;
}

void Metrics::ForgetModel(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  const auto known = models_.find(name);
  if (known == models_.end()) return;
  model_info_.Remove(known->second);
  models_.erase(known);
}

void Metrics::CountModelLoad(bool loaded) {
  (loaded ? loads_ : refused_loads_)->Increment();
}

}  // namespace foresight

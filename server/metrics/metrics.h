// Every Prometheus family of the server, with its handles, so that no request
// has to look one up. docs/operations.md describes each family.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Methods of v1::Adaptation and v1::Admin. kControl counts each request of a
// stream.
enum class Method {
  kListModels,
  kGetModel,
  kOpenSession,
  kAct,
  kControl,
  kResetSession,
  kCloseSession,
  kExportSession,
  kImportSession,
  kLoadModel,
  kUnloadModel,
  kListSessions,
  kDrain,
};
inline constexpr int kMethods = 13;

// Thread-safe. Recording takes tens of nanoseconds: a decision records about
// ten values.
class Metrics {
 public:
  explicit Metrics(absl::string_view version);

  // foresight_requests_total{method, code}
  void CountRequest(Method method, absl::StatusCode code);
  // Records an answer given for the first time:
  // foresight_decisions_total{outcome}, the steps and the norms.
  void CountDecision(const v1::AdaptationReport& report);
  // Records that a decision was answered `slack` before its deadline; a
  // negative slack is a miss.
  void CountAnswer(absl::Duration slack);
  // foresight_refusals_total{reason}, for decisions, sessions and callers. A
  // decision refused for being late is also a miss.
  void CountRefusal(const absl::Status& status);
  // foresight_model_info: `model` is served from now on and replaces
  // any earlier model of its name.
  void ServeModel(const v1::Model& model) ABSL_LOCKS_EXCLUDED(mutex_);
  // No model is served under that name any more.
  void ForgetModel(const std::string& name) ABSL_LOCKS_EXCLUDED(mutex_);
  // foresight_model_loads_total{result}, of loads while the server serves.
  void CountModelLoad(bool loaded);

  // foresight_certificate_expiry_seconds; absent until it is set.
  void SetCertificateExpiry(absl::Time expiry);
  // foresight_journal_up; absent until it is set.
  void SetJournalUp(bool up);

  prometheus::Histogram& decision_seconds;  // From arrival to answer.
  prometheus::Histogram& queue_seconds;     // From arrival to the engine.
  prometheus::Histogram& adapt_seconds;     // In the engine.
  prometheus::Gauge& sessions;              // Open.
  prometheus::Gauge& sessions_limit;
  prometheus::Gauge& psi_bytes;            // Not shared with a model.
  prometheus::Gauge& decisions_in_flight;  // Accepted, not yet answered.
  prometheus::Gauge& control_streams;      // Open.
  prometheus::Gauge& queued_decisions;     // Waiting for a step.
  prometheus::Gauge& queue_limit;
  prometheus::Gauge& model_generations;  // In memory.
  prometheus::Gauge& model_generations_limit;
  prometheus::Counter& sessions_expired;  // Freed because idle.
  prometheus::Counter& certificate_reload_failures;
  prometheus::Counter& journal_failures;  // Times that state was not kept.
  prometheus::Counter& journal_lost_changes;

  const std::shared_ptr<prometheus::Registry>& registry() const {
    return registry_;
  }

 private:
  Metrics(absl::string_view version,
          std::shared_ptr<prometheus::Registry> registry);

  static constexpr int kCodes = 17;
  static constexpr int kOutcomes = v1::Outcome_MAX + 1;

  const std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Histogram& slack_seconds_;
  prometheus::Histogram& objective_gain_;
  prometheus::Histogram& gradient_norm_;
  prometheus::Histogram& drift_;
  prometheus::Counter& deadline_misses_;
  prometheus::Counter& steps_asked_;
  prometheus::Counter& steps_;
  prometheus::Counter& steps_shed_;
  prometheus::Family<prometheus::Gauge>& model_info_;
  prometheus::Family<prometheus::Gauge>& certificate_expiry_;
  prometheus::Family<prometheus::Gauge>& journal_up_;
  std::array<std::array<prometheus::Counter*, kCodes>, kMethods> requests_;
  std::array<prometheus::Counter*, kOutcomes> outcomes_;
  std::map<std::string, prometheus::Counter*> refusals_;  // By reason.
  prometheus::Counter* loads_;
  prometheus::Counter* refused_loads_;
  absl::Mutex mutex_;
  std::map<std::string, prometheus::Gauge*> models_
      ABSL_GUARDED_BY(mutex_);  // model_info_'s, by name.
};

}  // namespace foresight

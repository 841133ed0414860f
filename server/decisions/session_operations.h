// What may be done with a session besides deciding.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "proto/adaptation.pb.h"
#include "server/metrics/metrics.h"
#include "server/registry/model_registry.h"
#include "server/sessions/session_store.h"
#include "server/support/clock.h"

namespace foresight {

// Thread-safe. Errors as adaptation.proto names them for each method.
class SessionOperations {
 public:
  struct Options {
    absl::Duration idle_timeout = absl::Seconds(60);  // Positive.
    absl::Duration max_idle_timeout = absl::Hours(1);
    // horizon * particles * sampler_steps at most.
    int64_t max_samples = 1 << 22;
    // The longest that one step may be expected to take.
    absl::Duration max_decision_time = absl::Seconds(10);
  };

  // All three outlive it.
  SessionOperations(Options options, const ModelRegistry* models,
                    SessionStore* sessions, Metrics* metrics,
                    Clock clock = MonotonicNow)
      : options_(options),
        models_(models),
        sessions_(sessions),
        metrics_(metrics),
        clock_(std::move(clock)) {}

  // `owner`: whose quota the session counts against.
  absl::StatusOr<v1::Session> Open(const v1::OpenSessionRequest& request,
                                   const std::string& owner = "");
  absl::StatusOr<v1::Session> Reset(const v1::ResetSessionRequest& request);
  absl::Status Close(const v1::CloseSessionRequest& request);

  // Frees the sessions whose idle timeout is over.
  void Expire();

 private:
  absl::StatusOr<v1::Session> TryOpen(const v1::OpenSessionRequest& request,
                                      const std::string& owner);
  absl::StatusOr<SessionState> Describe(const v1::OpenSessionRequest& request,
                                        const std::string& owner) const;

  const Options options_;
  const ModelRegistry* const models_;
  SessionStore* const sessions_;
  Metrics* const metrics_;
  const Clock clock_;
};

}  // namespace foresight

// Stateless validation of requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "models/bundle/bundle.h"
#include "models/bundle/settings.h"
#include "proto/adaptation.pb.h"
#include "server/registry/loaded_model.h"

namespace foresight {

// The most bytes of a session's id.
inline constexpr size_t kMaxIdBytes = 128;

// The limits of a server's sessions and stateless calls.
struct RequestLimits {
  int64_t max_samples = 1 << 22;  // Horizon * particles * sampler_steps.
  // The time of a call without a deadline, and the longest expected time
  // allowed for one step.
  absl::Duration max_decision_time = absl::Seconds(10);
};

// Checks the id of any session that a call names.
// Errors: SETTINGS_INVALID: it is longer than kMaxIdBytes.
absl::Status CheckIdLength(absl::string_view session_id);

// Checks the id of a new session.
// Errors: SETTINGS_INVALID: not 1 to 128 bytes of printable ASCII.
absl::Status CheckSessionId(absl::string_view session_id);

// Errors: OBSERVATION_INVALID, naming the first component that is not finite.
absl::Status CheckFinite(absl::Span<const float> observation);

// Also checks the number of values, which should be `expected` (S).
absl::Status CheckObservation(absl::Span<const float> observation,
                              int expected);

// Checks that a request with a session_id has no field for stateless calls.
// Errors: SETTINGS_INVALID, naming the field.
absl::Status CheckStatefulFields(const v1::ActRequest& request);

// The request's budget; infinite if unset or zero.
// Errors: SETTINGS_INVALID: negative.
absl::StatusOr<absl::Duration> CheckBudget(const v1::ActRequest& request);

// Errors: SETTINGS_INVALID: a plan of more than 64 actions.
absl::Status CheckPlanLength(const v1::ActRequest& request);

// The request's idle timeout, or `fallback` if unset.
// Errors: SETTINGS_INVALID: not positive, or more than `longest`.
absl::StatusOr<absl::Duration> CheckIdleTimeout(
    const v1::OpenSessionRequest& request, absl::Duration fallback,
    absl::Duration longest);

// Completes `request` from the bundle's defaults. `max_samples` limits a
// rollout's memory: horizon * particles * sampler_steps.
// Errors: SETTINGS_INVALID, naming the field.
absl::StatusOr<AdaptationSettings> CheckSettings(
    const v1::AdaptationSettings& request, const Bundle& bundle,
    int64_t max_samples);

// Refuses settings whose single step could never be done in time. (Too many
// steps are no error: those that fit are done.)
// Errors: SETTINGS_INVALID: a step is expected to take longer than `longest`.
absl::Status CheckStepTime(const LoadedModel& model,
                           const AdaptationSettings& settings,
                           absl::Duration longest);

// Checks that clients of one bundle can continue with the other.
// Errors: WEIGHTS_DIFFER: they take other observations or actions.
absl::Status CheckSameShape(const Bundle& fresh, const Bundle& old);

}  // namespace foresight

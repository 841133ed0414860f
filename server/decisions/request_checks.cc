#include "server/decisions/request_checks.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/decisions/durations.h"
#include "server/support/error.h"
#include "support/status_macros.h"

namespace foresight {

absl::Status CheckIdLength(absl::string_view session_id) {
  if (session_id.size() <= kMaxIdBytes) return absl::OkStatus();
  return MakeError(Reason::kSettingsInvalid,
                   absl::StrCat("session_id has ", session_id.size(),
                                " bytes, expected at most ", kMaxIdBytes));
}

absl::Status CheckSessionId(absl::string_view session_id) {
  if (session_id.empty() || session_id.size() > kMaxIdBytes) {
    return MakeError(Reason::kSettingsInvalid,
                     absl::StrCat("session_id has ", session_id.size(),
                                  " bytes, expected 1 to ", kMaxIdBytes));
  }
  for (size_t i = 0; i < session_id.size(); ++i) {
    if (!absl::ascii_isprint(session_id[i])) {
      return MakeError(
          Reason::kSettingsInvalid,
          absl::StrCat("session_id has the byte 0x",
                       absl::Hex(static_cast<unsigned char>(session_id[i]),
                                 absl::kZeroPad2),
                       " at ", i, ", expected printable ASCII"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(absl::Span<const float> observation) {
  for (size_t i = 0; i < observation.size(); ++i) {
    if (!std::isfinite(observation[i])) {
      return MakeError(Reason::kObservationInvalid,
                       absl::StrCat("observation[", i, "] is ", observation[i],
                                    ", expected a finite value"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckObservation(absl::Span<const float> observation,
                              int expected) {
  if (observation.size() != static_cast<size_t>(expected)) {
    return MakeError(Reason::kObservationInvalid,
                     absl::StrCat("observation has ", observation.size(),
                                  " values, expected ", expected));
  }
  return CheckFinite(observation);
}

absl::Status CheckStatefulFields(const v1::ActRequest& request) {
  const char* field = !request.model().empty() ? "model"
                      : request.has_settings() ? "settings"
                      : request.seed() != 0    ? "seed"
                                               : nullptr;
  if (field == nullptr) return absl::OkStatus();
  return MakeError(Reason::kSettingsInvalid,
                   absl::StrCat(field,
                                " is set beside a session_id, expected "
                                "only in a stateless call"));
}

absl::StatusOr<absl::Duration> CheckBudget(const v1::ActRequest& request) {
  if (!request.has_budget()) return absl::InfiniteDuration();
  ASSIGN_OR_RETURN(const absl::Duration budget,
                   FromProto("budget", request.budget()));
  if (budget < absl::ZeroDuration()) {
    return MakeError(Reason::kSettingsInvalid,
                     absl::StrCat("budget is ", absl::FormatDuration(budget),
                                  ", expected zero or more"));
  }
  return budget == absl::ZeroDuration() ? absl::InfiniteDuration() : budget;
}

absl::Status CheckPlanLength(const v1::ActRequest& request) {
  constexpr uint32_t kLongest = 64;
  if (request.plan_length() <= kLongest) return absl::OkStatus();
  return MakeError(Reason::kSettingsInvalid,
                   absl::StrCat("plan_length is ", request.plan_length(),
                                ", expected at most ", kLongest));
}

absl::StatusOr<absl::Duration> CheckIdleTimeout(
    const v1::OpenSessionRequest& request, absl::Duration fallback,
    absl::Duration longest) {
  if (!request.has_idle_timeout()) return fallback;
  ASSIGN_OR_RETURN(const absl::Duration timeout,
                   FromProto("idle_timeout", request.idle_timeout()));
  if (timeout <= absl::ZeroDuration() || timeout > longest) {
    return MakeError(
        Reason::kSettingsInvalid,
        absl::StrCat("idle_timeout is ", absl::FormatDuration(timeout),
                     ", expected more than zero and at most ",
                     absl::FormatDuration(longest)));
  }
  return timeout;
}

absl::StatusOr<AdaptationSettings> CheckSettings(
    const v1::AdaptationSettings& request, const Bundle& bundle,
    int64_t max_samples) {
  auto settings =
      ResolveSettings(request, bundle.defaults(), bundle.sampler_limits());
  if (!settings.ok()) {
    return MakeError(Reason::kSettingsInvalid, settings.status().message());
  }
  const int64_t samples = int64_t{settings->horizon} * settings->particles *
                          settings->sampler_steps;
  if (samples > max_samples) {
    return MakeError(
        Reason::kSettingsInvalid,
        absl::StrCat("horizon * particles * sampler_steps is ", samples,
                     ", expected at most ", max_samples, " on this server"));
  }
  return settings;
}

absl::Status CheckStepTime(const LoadedModel& model,
                           const AdaptationSettings& settings,
                           absl::Duration longest) {
  const absl::Duration expected = model.StepTime(settings);
  if (settings.steps == 0 || expected <= longest) return absl::OkStatus();
  return MakeError(
      Reason::kSettingsInvalid,
      absl::StrCat("a step with horizon ", settings.horizon, " and particles ",
                   settings.particles, " takes about ",
                   absl::FormatDuration(expected), ", expected at most ",
                   absl::FormatDuration(longest), " on this server"));
}

absl::Status CheckSameShape(const Bundle& fresh, const Bundle& old) {
  if (fresh.observation_size() == old.observation_size() &&
      fresh.action_size() == old.action_size()) {
    return absl::OkStatus();
  }
  return MakeError(
      Reason::kWeightsDiffer,
      absl::StrCat("the bundle takes observations of ",
                   fresh.observation_size(), " values and gives actions of ",
                   fresh.action_size(), ", expected ", old.observation_size(),
                   " and ", old.action_size(), " as before"));
}

}  // namespace foresight

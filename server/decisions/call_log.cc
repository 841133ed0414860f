#include "server/decisions/call_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/support/error.h"

namespace foresight {
namespace {

constexpr int kSessionEventsPerSecond = 20;
constexpr int kFailuresPerSecond = 5;  // For each reason.

std::string Abbreviated(absl::string_view session_id) {
  constexpr size_t kShown = 8;
  if (session_id.size() <= kShown) return std::string(session_id);
  return absl::StrCat(session_id.substr(0, kShown), "...");
}

// Warns about errors that an operator should look at.
Severity SeverityOf(const absl::Status& why) {
  switch (why.code()) {
    case absl::StatusCode::kInternal:
      return Severity::kError;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kDeadlineExceeded:
      return Severity::kWarning;
    default:
      return Severity::kInfo;
  }
}

}  // namespace

CallLog::CallLog(Clock clock)
    : clock_(std::move(clock)),
      session_events_(kSessionEventsPerSecond),
      engine_failures_(kFailuresPerSecond) {
  failures_.try_emplace("", kFailuresPerSecond);
  for (const absl::string_view reason : ReasonNames()) {
    failures_.try_emplace(std::string(reason), kFailuresPerSecond);
  }
}

void CallLog::SessionEvent(absl::string_view event,
                           absl::string_view session_id,
                           absl::string_view model, const CallTags& tags) {
  Write(session_events_, Severity::kInfo, event,
        {{"id", Abbreviated(session_id)}, {"model", model}}, tags);
}

void CallLog::Failure(absl::string_view event, const absl::Status& why,
                      absl::string_view session_id, absl::string_view client,
                      const CallTags& tags) {
  const std::string reason = ReasonName(why);
  auto limiter = failures_.find(reason);
  if (limiter == failures_.end()) limiter = failures_.find("");
  Write(limiter->second, SeverityOf(why), event,
        {{"reason", reason},
         {"code", absl::StatusCodeToString(why.code())},
         {"id", Abbreviated(session_id)},
         {"client", client}},
        tags);
}

void CallLog::EngineFailure(const absl::Status& failure,
                            absl::string_view session_id,
                            const CallTags& tags) {
  Write(engine_failures_, Severity::kError, "engine failed",
        {{"error", failure.ToString()}, {"id", Abbreviated(session_id)}}, tags);
}

void CallLog::Write(LogLimiter& limiter, Severity severity,
                    absl::string_view event, LogFields fields,
                    const CallTags& tags) {
  const auto left_out = limiter.Admit(clock_());
  if (!left_out) return;
  fields.emplace_back("request_id", tags.request_id);
  fields.emplace_back("traceparent", tags.traceparent);
  if (*left_out > 0) fields.emplace_back("left_out", *left_out);
  Log(severity, event, fields);
}

}  // namespace foresight

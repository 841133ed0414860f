// Log lines about calls. Only a few lines of each kind are written each second,
// however many calls there are. A line's `left_out` counts the lines skipped
// before it.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/support/call_tags.h"
#include "server/support/clock.h"
#include "server/support/log.h"
#include "server/support/log_limiter.h"

namespace foresight {

// Thread-safe. Logs only the beginning of a session's id: enough to tell
// sessions apart, too little to use one. Error messages are not logged, as they
// may quote a request.
class CallLog {
 public:
  explicit CallLog(Clock clock = MonotonicNow);

  // `event` is "session opened" or the like; `model` may be empty.
  void SessionEvent(absl::string_view event, absl::string_view session_id,
                    absl::string_view model, const CallTags& tags);
  // `event` is "decision failed" or the like; `client` is the call's owner.
  void Failure(absl::string_view event, const absl::Status& why,
               absl::string_view session_id, absl::string_view client,
               const CallTags& tags);
  // Logs an engine's failure that was not due to the observation.
  void EngineFailure(const absl::Status& failure, absl::string_view session_id,
                     const CallTags& tags);

 private:
  void Write(LogLimiter& limiter, Severity severity, absl::string_view event,
             LogFields fields, const CallTags& tags);

  const Clock clock_;
  LogLimiter session_events_;
  LogLimiter engine_failures_;
  // One limiter for each reason ("" for errors without one), so that a flood of
  // one does not hide another. Not changed after the constructor.
  std::map<std::string, LogLimiter> failures_;
};

}  // namespace foresight

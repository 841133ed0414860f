// One line per event on stderr, as text for people:
//   2026-01-31T12:00:00.123Z INFO session opened id=3fa4... model=halfcheetah
// or as JSON for machines:
//   {"time":"2026-01-31T12:00:00.123Z","severity":"INFO",
//    "event":"session opened","id":"3fa4...","model":"halfcheetah"}
// No secret, observation or action is logged, and only the beginning of a
// session's id.
//
// Thread-safe: a line is one write.
#pragma once

#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace foresight {

enum class Severity { kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

// `key` is lower_snake and lives as long as the program.
struct LogField {
  LogField(absl::string_view name, absl::string_view text)
      : key(name), value(text), is_number(false) {}
  template <typename Number,
            std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
  LogField(absl::string_view name, Number number)
      : key(name), value(absl::StrCat(number)), is_number(true) {}

  absl::string_view key;
  std::string value;
  bool is_number;
};
using LogFields = std::vector<LogField>;

// The default is text. Call it before other threads log.
void SetLogFormat(LogFormat format);

// The line that Log writes, with its newline. Fields without a value are left
// out. `event` and values may quote a client: they cannot forge a line.
std::string FormatLogLine(LogFormat format, Severity severity,
                          absl::string_view event, const LogFields& fields,
                          absl::Time now);

void Log(Severity severity, absl::string_view event, const LogFields& fields);

inline void LogInfo(absl::string_view event, const LogFields& fields = {}) {
  Log(Severity::kInfo, event, fields);
}
inline void LogWarning(absl::string_view event, const LogFields& fields = {}) {
  Log(Severity::kWarning, event, fields);
}
inline void LogError(absl::string_view event, const LogFields& fields = {}) {
  Log(Severity::kError, event, fields);
}

}  // namespace foresight

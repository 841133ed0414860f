// One line per event on stderr, so that an operator can read and grep it:
//   2026-01-31T12:00:00.123Z INFO session opened id=3fa4... model=halfcheetah
// Nothing secret goes in: of a session's id only the beginning.
//
// Thread-safe: a line is one write.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace foresight {

enum class Severity { kInfo, kWarning, kError };

// The line that Log writes, its newline included. Control characters in
// `event` (it may quote a client) are escaped.
std::string FormatLogLine(Severity severity, absl::string_view event,
                          absl::Time now);

void Log(Severity severity, absl::string_view event);

template <typename... Parts>
void LogInfo(const Parts&... parts) {
  Log(Severity::kInfo, absl::StrCat(parts...));
}
template <typename... Parts>
void LogWarning(const Parts&... parts) {
  Log(Severity::kWarning, absl::StrCat(parts...));
}
template <typename... Parts>
void LogError(const Parts&... parts) {
  Log(Severity::kError, absl::StrCat(parts...));
}

}  // namespace foresight

#include "server/support/log.h"

#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

namespace foresight {
namespace {

absl::string_view Name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      break;
  }
  return "ERROR";
}

// `text` with control characters as \n, \x1b and so on; all else as it is.
std::string OnOneLine(absl::string_view text) {
  std::string line;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      line += absl::CHexEscape(absl::string_view(&c, 1));
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace

std::string FormatLogLine(Severity severity, absl::string_view event,
                          absl::Time now) {
  return absl::StrCat(
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()), " ",
      Name(severity), " ", OnOneLine(event), "\n");
}

void Log(Severity severity, absl::string_view event) {
  const std::string line = FormatLogLine(severity, event, absl::Now());
  // Nobody can be told that stderr does not take the line.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace foresight

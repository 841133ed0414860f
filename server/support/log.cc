#include "server/support/log.h"

#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"

namespace foresight {
namespace {

std::atomic<LogFormat> log_format = LogFormat::kText;

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

// `text` with control characters as \n, \x1b and so on; the rest unchanged.
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

// Quotes a value that could be taken for several.
std::string TextValue(absl::string_view value) {
  const bool plain = value.find_first_of(" \"=\\") == absl::string_view::npos;
  if (plain) return OnOneLine(value);
  std::string quoted = "\"";
  for (const char c : OnOneLine(value)) {
    if (c == '"') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string TextLine(absl::string_view time, Severity severity,
                     absl::string_view event, const LogFields& fields) {
  std::string line =
      absl::StrCat(time, " ", Name(severity), " ", OnOneLine(event));
  for (const LogField& field : fields) {
    if (field.value.empty()) continue;
    absl::StrAppend(&line, " ", field.key, "=", TextValue(field.value));
  }
  return line;
}

std::string JsonLine(absl::string_view time, Severity severity,
                     absl::string_view event, const LogFields& fields) {
  using Json = nlohmann::ordered_json;
  Json line;
  line["time"] = std::string(time);
  line["severity"] = std::string(Name(severity));
  line["event"] = std::string(event);
  for (const LogField& field : fields) {
    if (field.value.empty()) continue;
    // inf and nan are not JSON numbers: they stay text.
    Json value = field.is_number ? Json::parse(field.value, nullptr,
                                               /*allow_exceptions=*/false)
                                 : Json(field.value);
    if (value.is_discarded()) value = field.value;
    line[std::string(field.key)] = std::move(value);
  }
  // A client may have sent bytes that are not UTF-8.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

void SetLogFormat(LogFormat format) { log_format = format; }

std::string FormatLogLine(LogFormat format, Severity severity,
                          absl::string_view event, const LogFields& fields,
                          absl::Time now) {
  const std::string time =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone());
  const auto make_line = format == LogFormat::kJson ? JsonLine : TextLine;
  return make_line(time, severity, event, fields) + "\n";
}

void Log(Severity severity, absl::string_view event, const LogFields& fields) {
  const std::string line =
      FormatLogLine(log_format, severity, event, fields, absl::Now());
  // If stderr refuses the line, there is no other place to report it.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace foresight

#include "server/service/grpc_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "server/support/log.h"
#include "server/support/log_limiter.h"

namespace foresight {
namespace {

constexpr int kLinesPerSecond = 20;

// Strangers can make both libraries log, by handshakes and requests that fail.
void WriteLine(Severity severity, absl::string_view event,
               absl::string_view message, absl::string_view file, int line) {
  static LogLimiter* const limiter = new LogLimiter(kLinesPerSecond);
  const std::optional<uint64_t> left_out = limiter->Admit(absl::Now());
  if (!left_out.has_value()) return;
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0.
  LogFields fields = {{"message", message},
                      {"source", absl::StrCat(file, ":", line)}};
  if (*left_out > 0) fields.push_back({"left_out", *left_out});
  Log(severity, event, fields);
}

void WriteGrpcLine(gpr_log_func_args* line) {
  WriteLine(line->severity == GPR_LOG_SEVERITY_ERROR ? Severity::kError
                                                     : Severity::kInfo,
            "grpc", line->message, line->file, line->line);
}

void WriteProtobufLine(google::protobuf::LogLevel level, const char* file,
                       int line, const std::string& message) {
  WriteLine(level == google::protobuf::LOGLEVEL_INFO ? Severity::kInfo
                                                     : Severity::kWarning,
            "protobuf", message, file, line);
}

}  // namespace

void RouteGrpcLog() {
  gpr_set_log_function(WriteGrpcLine);
  google::protobuf::SetLogHandler(WriteProtobufLine);
}

}  // namespace foresight

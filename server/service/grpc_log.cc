#include "server/service/grpc_log.h"

#include <grpc/support/log.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "server/support/log.h"

namespace foresight {
namespace {

void WriteLine(gpr_log_func_args* line) {
  absl::string_view file = line->file;
  file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0.
  Log(line->severity == GPR_LOG_SEVERITY_ERROR ? Severity::kError
                                               : Severity::kInfo,
      "grpc",
      {{"message", line->message},
       {"source", absl::StrCat(file, ":", line->line)}});
}

}  // namespace

void RouteGrpcLog() { gpr_set_log_function(WriteLine); }

}  // namespace foresight

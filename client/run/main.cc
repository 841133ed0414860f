// foresight-run: see its --help.
#include <cstdio>
#include <string>

#include "client/adaptation_client.h"
#include "client/environments/environment.h"
#include "client/run/interrupt.h"
#include "client/run/options.h"
#include "client/run/output_file.h"
#include "client/run/report.h"
#include "client/run/tournament.h"

namespace foresight {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Complain(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "foresight-run: %s\n",
               std::string(status.message()).c_str());
  return exit_code;
}

absl::StatusOr<Comparison> Run(const RunOptions& options,
                               Cancellation& cancellation) {
  // Rather now than after an hour of episodes.
  for (const std::string& file : {options.csv, options.json}) {
    if (absl::Status status = WriteFile(file, ""); !status.ok()) return status;
  }
  AdaptationClient::Options client_options;
  client_options.connect_timeout = options.connect_timeout;
  client_options.call_timeout = options.deadline;
  // An overloaded server makes a run slow; only the deadline makes it fail.
  client_options.retry.max_attempts = 1000;
  const auto client = AdaptationClient::Connect(options.server, client_options);
  if (!client.ok()) return client.status();
  auto comparison = Play(*client, options, cancellation);
  if (!comparison.ok()) return comparison;
  if (absl::Status status = WriteFile(options.csv, ToCsv(*comparison));
      !status.ok()) {
    return status;
  }
  if (absl::Status status = WriteFile(options.json, ToJson(*comparison));
      !status.ok()) {
    return status;
  }
  return comparison;
}

int Main(int argc, char** argv) {
  const ParsedOptions parsed = ParseRunOptions(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  if (!parsed.options.environment.empty()) {
    const auto environment =
        MakeEnvironment(parsed.options.environment, parsed.options.assets);
    if (environment.status().code() == absl::StatusCode::kInvalidArgument) {
      return Complain(environment.status(), kUsage);
    }
    if (!environment.ok()) return Complain(environment.status(), kFailed);
  }
  if (!environment.ok()) return Complain(environment.status(), kFailed);

  Cancellation cancellation;
  const InterruptWatch watch(&cancellation);
  const auto comparison = Run(parsed.options, cancellation);
  if (comparison.status().code() == absl::StatusCode::kCancelled) {
    return Complain(absl::CancelledError("interrupted; sessions are closed"),
                    kFailed);
  }
  if (!comparison.ok()) return Complain(comparison.status(), kFailed);
  std::fputs(ToTable(*comparison).c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) { return foresight::Main(argc, argv); }

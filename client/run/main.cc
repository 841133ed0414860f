// foresight-run: see its --help.
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/environments/environment.h"
#include "client/run/interrupt.h"
#include "client/run/options.h"
#include "client/run/output_file.h"
#include "client/run/report.h"
#include "client/run/report_page.h"
#include "client/run/sweep.h"
#include "client/run/sweep_report.h"
#include "client/run/tournament.h"
#include "client/run/video.h"
#include "foresight/adaptation_client.h"

namespace foresight {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int Complain(const absl::Status& status, int exit_code) {
  std::fprintf(stderr, "foresight-run: %s\n",
               std::string(status.message()).c_str());
  return exit_code;
}

absl::Status WriteAll(const RunOptions& options, const std::string& csv,
                      const std::string& json) {
  if (absl::Status status = WriteFile(options.csv, csv); !status.ok()) {
    return status;
  }
  return WriteFile(options.json, json);
}

// Plays the episodes and returns the table.
absl::StatusOr<std::string> RunOnce(const AdaptationClient& client,
                                    const RunOptions& options,
                                    Cancellation& cancellation) {
  const auto comparison = Play(client, options, cancellation);
  if (!comparison.ok()) return comparison.status();
  if (absl::Status status =
          WriteAll(options, ToCsv(*comparison), ToJson(*comparison));
      !status.ok()) {
    return status;
  }
  if (!options.report.empty()) {
    if (absl::Status status =
            WriteReportPage(*comparison, options.bundle, options.report);
        !status.ok()) {
      return status;
    }
  }
  if (!options.video.empty()) {
    if (absl::Status status = WriteVideo(*comparison, options.video);
        !status.ok()) {
      return status;
    }
  }
  return ToTable(*comparison);
}

// Plays a sweep and returns the table.
absl::StatusOr<std::string> RunSweep(
    const AdaptationClient& client, const RunOptions& options,
    const std::vector<v1::AdaptationSettings>& settings,
    Cancellation& cancellation) {
  const auto trials = PlaySweep(client, options, settings, cancellation);
  if (!trials.ok()) return trials.status();
  if (absl::Status status = WriteAll(options, "", SweepJson(*trials));
      !status.ok()) {
    return status;
  }
  return SweepTable(*trials);
}

absl::StatusOr<std::string> Run(
    const RunOptions& options, const std::vector<v1::AdaptationSettings>& sweep,
    Cancellation& cancellation) {
  // Report what is missing now rather than after an hour of episodes.
  if (absl::Status status = WriteAll(options, "", ""); !status.ok()) {
    return status;
  }
  if (!options.report.empty()) {
    if (absl::Status status = CheckReportPage(options.report); !status.ok()) {
      return status;
    }
  }
  if (!options.video.empty()) {
    if (absl::Status status = CheckVideo(options.video); !status.ok()) {
      return status;
    }
  }
  AdaptationClient::Options client_options;
  client_options.connect_timeout = options.connect_timeout;
  client_options.call_timeout = options.deadline;
  client_options.security = options.security;
  // An overloaded server makes a run slow; only the deadline makes it fail.
  client_options.retry.max_attempts = 1000;
  const auto client = AdaptationClient::Connect(options.server, client_options);
  if (!client.ok()) return client.status();
  return sweep.empty() ? RunOnce(*client, options, cancellation)
                       : RunSweep(*client, options, sweep, cancellation);
}

// Returns an empty list if `file` is empty.
absl::StatusOr<std::vector<v1::AdaptationSettings>> ReadSweep(
    const std::string& file) {
  if (file.empty()) return std::vector<v1::AdaptationSettings>();
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) {
    return absl::NotFoundError(absl::StrCat(file, ": cannot be read"));
  }
  return ParseSweep(text);
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

  const auto sweep = ReadSweep(parsed.options.sweep);
  if (!sweep.ok()) return Complain(sweep.status(), kUsage);

  Cancellation cancellation;
  const InterruptWatch watch(&cancellation);
  const auto table = Run(parsed.options, *sweep, cancellation);
  if (table.status().code() == absl::StatusCode::kCancelled) {
    return Complain(absl::CancelledError("interrupted; sessions are closed"),
                    kFailed);
  }
  if (!table.ok()) return Complain(table.status(), kFailed);
  std::fputs(table->c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) { return foresight::Main(argc, argv); }

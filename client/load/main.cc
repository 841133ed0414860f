// foresight-load: see its --help.
#include <cstdio>
#include <string>

#include "absl/synchronization/mutex.h"
#include "client/load/load.h"
#include "client/load/observations.h"
#include "client/load/options.h"
#include "client/load/ramp.h"
#include "client/load/report.h"
#include "client/run/interrupt.h"
#include "client/run/output_file.h"
#include "client/run/tournament.h"
#include "foresight/adaptation_client.h"
#include "foresight/call_error.h"

namespace foresight {
namespace {

constexpr int kFailed = 1;
constexpr int kObservations = 1000;
constexpr int kMostSessions = 1000000;
constexpr double kMissesAllowed = 0.001;

// The table and the JSON text.
struct Texts {
  std::string table;
  std::string json;
};

absl::StatusOr<Texts> RunOnce(const LoadTarget& target,
                              const LoadContext& context,
                              Cancellation& cancellation) {
  const auto result = RunLoad(target, target.options.sessions, cancellation);
  if (!result.ok()) return result.status();
  return Texts{LoadTable(context, *result), LoadJson(context, *result)};
}

absl::StatusOr<Texts> RunRamp(const LoadTarget& target,
                              const LoadContext& context,
                              Cancellation& cancellation) {
  RampResult found;
  Ramp ramp(target.options.sessions, kMostSessions);
  while (const std::optional<int> sessions = ramp.Next()) {
    auto result = RunLoad(target, *sessions, cancellation);
    Probe probe;
    probe.sessions = *sessions;
    probe.refused = ErrorReason(result.status()) == v1::SESSIONS_FULL;
    if (!result.ok() && !probe.refused) return result.status();
    if (result.ok()) {
      probe.missed_fraction = result->counts.missed_fraction();
      // A probe without ticks does not pass.
      probe.passed =
          result->counts.ticks() > 0 && probe.missed_fraction < kMissesAllowed;
    }
    std::printf("%s\n", ProbeLine(probe).c_str());
    std::fflush(stdout);
    found.probes.push_back(probe);
    ramp.Report(*sessions, probe.passed);
    if (probe.passed) found.largest = *std::move(result);
  }
  return Texts{RampTable(context, found), RampJson(context, found)};
}

absl::StatusOr<Texts> Load(const LoadOptions& options,
                           Cancellation& cancellation) {
  // Check before the load that the file can be written.
  if (absl::Status status = WriteFile(options.json, ""); !status.ok()) {
    return status;
  }
  AdaptationClient::Options client_options;
  client_options.connect_timeout = options.connect_timeout;
  client_options.security = options.security;
  client_options.retry.max_attempts = 1;
  const auto client = AdaptationClient::Connect(options.server, client_options);
  if (!client.ok()) return client.status();
  const auto model =
      ChooseModel(*client, options.model, {std::nullopt, &cancellation});
  if (!model.ok()) return model.status();
  const auto observations =
      MakeObservations(*client, *model, options.assets, kObservations,
                       options.seed, cancellation);
  if (!observations.ok()) return observations.status();
  const auto stubs = OpenStubs(options.server, options.connections,
                               options.connect_timeout, options.security);
  if (!stubs.ok()) return stubs.status();
  const LoadTarget target = {options, *client, *stubs, *model, *observations};
  const LoadContext context = {options, *model, observations->source(),
                               DescribeHost()};
  auto texts = options.ramp ? RunRamp(target, context, cancellation)
                            : RunOnce(target, context, cancellation);
  if (!texts.ok()) return texts;
  if (absl::Status status = WriteFile(options.json, texts->json);
      !status.ok()) {
    return status;
  }
  return texts;
}

int Main(int argc, char** argv) {
  // Looking for deadlocks at each lock would cost the generator 5 % of its CPU.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const ParsedLoadOptions parsed = ParseLoadOptions(argc, argv);
  if (parsed.exit_code.has_value()) return *parsed.exit_code;
  if (parsed.options.deadline > parsed.options.period()) {
    std::fprintf(stderr,
                 "foresight-load: note: the deadline is longer than a period; "
                 "a session that waits longer than a period skips ticks, and "
                 "those are misses\n");
  }
  Cancellation cancellation;
  const InterruptWatch watch(&cancellation);
  const auto texts = Load(parsed.options, cancellation);
  if (!texts.ok()) {
    const bool interrupted = cancellation.cancelled();
    std::fprintf(stderr, "foresight-load: %s\n",
                 interrupted ? "interrupted; sessions are closed"
                             : std::string(texts.status().message()).c_str());
    return kFailed;
  }
  std::fputs(texts->table.c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) { return foresight::Main(argc, argv); }

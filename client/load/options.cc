#include "client/load/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "client/run/command_line.h"

namespace foresight {
namespace {

constexpr char kDescription[] =
    "Sends observations to a foresight-server from many control loops at once\n"
    "and counts the actions that miss their deadline. Send times are fixed in\n"
    "advance (open loop): a slow server does not slow the load down.";

constexpr char kFooter[] =
    "A miss is a tick that could not be sent because its session still waited\n"
    "for the previous answer, an answer after the deadline, or an error.\n"
    "Latency is measured from the scheduled send time. If the deadline is\n"
    "longer than a period, a session that is late but within its deadline\n"
    "still skips the ticks that pass meanwhile.\n\n"
    "--steps 0 loads the server with the frozen policy. A setting that is not\n"
    "given is the model's own default. Durations have a unit: 20ms, 1.5s.\n\n"
    "Exit status: 0 the load ran, 1 something failed, 2 wrong usage.";

std::string CheckRate(const std::string& text) {
  double rate = 0;
  return CLI::detail::lexical_cast(text, rate) && rate >= 1e-3 && rate <= 1e4
             ? ""
             : "\"" + text + "\" is not a rate from 0.001 to 10000";
}

std::string CheckJitter(const std::string& text) {
  double jitter = 0;
  return CLI::detail::lexical_cast(text, jitter) && jitter >= 0 && jitter <= 1
             ? ""
             : "\"" + text + "\" is not a fraction from 0 to 1";
}

// A load's own connections would not follow sessions to other servers.
std::string CheckServer(const std::string& text) {
  return text.find(',') == std::string::npos
             ? ""
             : "\"" + text + "\" names several servers, expected one; run " +
                   "foresight-load once for each";
}

void AddTarget(CLI::App& app, LoadOptions* options) {
  app.add_option("--server", options->server, "address of one server")
      ->check(&CheckServer)
      ->type_name("HOST:PORT")
      ->capture_default_str();
  AddSecurity(app, &options->security);
  app.add_option("--model", options->model,
                 "name of the model (default: the only one served)");
  app.add_option("--assets", options->assets,
                 "folder of the MuJoCo models (default: FORESIGHT_ASSETS, else "
                 "those that came with the program)")
      ->type_name("DIR");
  AddDuration(app, "--connect-timeout", "time to wait for the server",
              absl::FormatDuration(options->connect_timeout),
              [=](absl::Duration value) { options->connect_timeout = value; });
  app.add_flag("--stream", options->stream,
               "send over Control streams instead of a call per decision");
  app.add_option("--sessions-per-stream", options->sessions_per_stream,
                 "most sessions that share a stream")
      ->check(Count())
      ->capture_default_str();
  app.add_option("--connections", options->connections,
                 "number of connections for the sessions")
      ->check(Count())
      ->capture_default_str();
}

void AddLoad(CLI::App& app, LoadOptions* options) {
  app.add_option("--sessions", options->sessions,
                 "control loops (with --ramp: the first number to try)")
      ->check(Count())
      ->capture_default_str();
  app.add_option("--rate", options->rate_hz,
                 "decisions of each session per second")
      ->check(&CheckRate)
      ->type_name("HZ")
      ->capture_default_str();
  AddDuration(app, "--deadline",
              "time from the scheduled send to the answer (default: a period)",
              "", [=](absl::Duration value) { options->deadline = value; });
  AddDuration(app, "--duration", "length of the counted part",
              absl::FormatDuration(options->duration),
              [=](absl::Duration value) { options->duration = value; });
  AddDuration(
      app, "--warm-up", "time before the counted part",
      absl::FormatDuration(options->warm_up),
      [=](absl::Duration value) { options->warm_up = value; }, Zero::kAllowed);
  app.add_option("--jitter", options->jitter,
                 "random delay of each tick, as a fraction of the period")
      ->check(&CheckJitter)
      ->capture_default_str();
  app.add_option("--seed", options->seed, "seed of the send times and sessions")
      ->check(&RefuseMinus)
      ->capture_default_str();
  app.add_flag("--ramp", options->ramp,
               "find the largest number of sessions with under 0.1 % misses, "
               "to within 2 %, by runs of --duration each");
}

}  // namespace

ParsedLoadOptions ParseLoadOptions(int argc, const char* const* argv) {
  ParsedLoadOptions parsed;
  LoadOptions& options = parsed.options;
  CLI::App app(kDescription, "foresight-load");
  app.footer(kFooter);
  app.set_version_flag("--version", "foresight-load " FORESIGHT_VERSION);
  AddLoad(app, &options);
  AddTarget(app, &options);
  app.add_option("--json", options.json, "write the result here")
      ->type_name("FILE");
  app.add_flag("--quiet", options.quiet, "no progress line");
  AddSettings(app, &options.settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  if (app.count("--deadline") == 0) options.deadline = options.period();
  return parsed;
}

}  // namespace foresight

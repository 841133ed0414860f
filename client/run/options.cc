#include "client/run/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/run/command_line.h"

namespace foresight {
namespace {

constexpr char kDescription[] =
    "Plays episodes of a MuJoCo environment against a foresight-server, with\n"
    "the frozen policy and with the adapted one from the same start states,\n"
    "and compares the returns.";

constexpr char kFooter[] =
    "A setting that is not given is the model's own default. Durations have a\n"
    "unit: 20ms, 1.5s. Runs repeat exactly: an episode's seed also draws its\n"
    "imagined noise.\n\n"
    "Exit status: 0 played, 1 something failed, 2 wrong usage.";

// A sweep has its own seeds: settings must not be judged on the seeds they were
// chosen with.
constexpr uint64_t kTuningSeed = 2000;

std::string RefuseUnknownFilm(const std::string& file) {
  if (absl::EndsWith(file, ".mp4") || absl::EndsWith(file, ".gif")) return "";
  return absl::StrCat(file, " ends neither in .mp4 nor in .gif");
}

void AddOptions(CLI::App& app, RunOptions* options) {
  app.add_option(
         "--server", options->server,
         "address of the server; for several servers, addresses separated by "
         "commas or a name with several addresses")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  AddSecurity(app, &options->security);
  app.add_option("--model", options->model,
                 "name of the model (default: the only one served)");
  app.add_option("--environment", options->environment,
                 "name of the environment (default: the model's own)");
  app.add_option("--assets", options->assets,
                 "folder of the MuJoCo models (default: FORESIGHT_ASSETS, else "
                 "those that came with the program)")
      ->type_name("DIR");
  app.add_option("--episodes", options->episodes, "episodes to play")
      ->check(Count())
      ->capture_default_str();
  app.add_option("--seed", options->seed,
                 "seed of the first episode; later ones use the next integers")
      ->check(&RefuseMinus)
      ->capture_default_str();
  app.add_option("--max-steps", options->max_steps,
                 "steps after which an episode is cut")
      ->check(Count())
      ->capture_default_str();
  app.add_option("--parallel", options->parallel,
                 "episodes played at once (default: one per core, at most 8)")
      ->check(Count());
  app.add_flag("--stream", options->stream,
               "send all episodes' decisions over one Control stream instead "
               "of a call for each");
  AddDuration(app, "--budget",
              "time the server may take for a decision "
              "(default: the deadline)",
              "", [=](absl::Duration value) { options->budget = value; });
  AddDuration(app, "--deadline", "time after which a decision has failed",
              absl::FormatDuration(options->deadline),
              [=](absl::Duration value) { options->deadline = value; });
  AddDuration(app, "--connect-timeout", "time to wait for the server",
              absl::FormatDuration(options->connect_timeout),
              [=](absl::Duration value) { options->connect_timeout = value; });
  app.add_option("--sweep", options->sweep,
                 "try all settings in this JSON file, such as {\"grid\": "
                 "{\"horizon\": [3, 5], \"steps\": [1, 2]}}; the seeds then "
                 "begin at 2000 unless --seed is given")
      ->type_name("FILE");
  app.add_option("--csv", options->csv, "write a line per episode here")
      ->type_name("FILE");
  app.add_option("--json", options->json, "write the comparison here")
      ->type_name("FILE");
  app.add_option("--report", options->report,
                 "write a page with plots here (HTML); needs matplotlib, and "
                 "each adapted decision takes one imagined rollout more")
      ->type_name("FILE");
  app.add_option("--bundle", options->bundle,
                 "folder of the bundle that is served: the report then also "
                 "compares imagined states with real ones")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory)
      ->needs("--report");
  app.add_option("--video", options->video,
                 "write a film of the first seed's frozen and adapted episode "
                 "here (.mp4 or .gif)")
      ->type_name("FILE")
      ->check(&RefuseUnknownFilm);
  app.add_flag("--quiet", options->quiet, "no progress line");
}

}  // namespace

ParsedOptions ParseRunOptions(int argc, const char* const* argv) {
  ParsedOptions parsed;
  RunOptions& options = parsed.options;
  CLI::App app(kDescription, "foresight-run");
  app.footer(kFooter);
  app.set_version_flag("--version", "foresight-run " FORESIGHT_VERSION);
  AddOptions(app, &options);
  auto* frozen_only = app.add_flag(
      "--frozen-only", [&](int64_t) { options.play_adapted = false; },
      "play only the frozen policy");
  app.add_flag(
         "--adapted-only", [&](int64_t) { options.play_frozen = false; },
         "play only the adapted policy")
      ->excludes(frozen_only);
  for (const char* other :
       {"--csv", "--frozen-only", "--adapted-only", "--report", "--video"}) {
    app.get_option("--sweep")->excludes(app.get_option(other));
  }
  for (const char* other : {"--frozen-only", "--adapted-only"}) {
    app.get_option("--video")->excludes(app.get_option(other));
  }
  AddSettings(app, &options.settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  if (!options.sweep.empty() && app.count("--seed") == 0) {
    options.seed = kTuningSeed;
  }
  return parsed;
}

}  // namespace foresight

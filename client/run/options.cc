#include "client/run/options.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <utility>

namespace foresight {
namespace {

constexpr char kDescription[] =
    "Plays episodes of a MuJoCo environment against a foresight-server, with\n"
    "the frozen policy and with the adapted one from the same start states,\n"
    "and compares the returns.";

constexpr char kFooter[] =
    "A setting that is not given is the model's own default. Durations have a\n"
    "unit: 20ms, 1.5s. Runs repeat exactly: an episode's seed is also that of\n"
    "its imagined noise.\n\n"
    "Exit status: 0 played, 1 something failed, 2 wrong usage.";

// Of anything that is counted. Without a description it stays out of the help.
CLI::Validator Positive() {
  return CLI::Validator(CLI::Range(1, 1000000)).description("");
}

// Unsigned numbers would otherwise take -1 for their largest.
std::string RefuseMinus(const std::string& text) {
  return text.find('-') == std::string::npos ? "" : "must not be negative";
}

// A positive duration of absl's form.
bool ParsePositive(const std::string& text, absl::Duration* duration) {
  return absl::ParseDuration(text, duration) &&
         *duration > absl::ZeroDuration();
}

void AddDuration(CLI::App& app, const std::string& name,
                 const std::string& description, const std::string& shown,
                 std::function<void(absl::Duration)> set) {
  app.add_option_function<std::string>(
         name,
         [name, set = std::move(set)](const std::string& text) {
           absl::Duration duration;
           if (!ParsePositive(text, &duration)) {
             throw CLI::ValidationError(
                 name, "\"" + text + "\" is no positive duration like 20ms");
           }
           set(duration);
         },
         description)
      ->type_name("DURATION")
      ->default_str(shown);
}

template <typename Value, typename Setter>
void AddSetting(CLI::App& app, const std::string& name,
                const std::string& description, Setter set) {
  app.add_option_function<Value>(
         name, [set](const Value& value) { set(value); }, description)
      ->group("Settings of the adaptation");
}

void AddSettings(CLI::App& app, v1::AdaptationSettings* settings) {
  using Settings = v1::AdaptationSettings;
  const auto whole = [&](const char* name, const char* description,
                         void (Settings::*set)(uint32_t)) {
    AddSetting<uint32_t>(app, name, description,
                         [=](uint32_t value) { (settings->*set)(value); });
  };
  const auto real = [&](const char* name, const char* description,
                        void (Settings::*set)(float)) {
    AddSetting<float>(app, name, description,
                      [=](float value) { (settings->*set)(value); });
  };
  whole("--horizon", "H, transitions of an imagined roll-out (1..64)",
        &Settings::set_horizon);
  whole("--particles", "M, imagined roll-outs of a decision (1..65536)",
        &Settings::set_particles);
  whole("--steps", "E, gradient steps of a decision (0..1000)",
        &Settings::set_steps);
  real("--step-size", "eta of a gradient step", &Settings::set_step_size);
  AddSetting<std::string>(
      app, "--mode",
      "persist: keep the adapted policy; reset: start each decision from the "
      "pretrained one",
      [=](const std::string& mode) {
        if (mode != "persist" && mode != "reset") {
          throw CLI::ValidationError(
              "--mode", "\"" + mode + "\" is neither persist nor reset");
        }
        settings->set_mode(mode == "persist" ? v1::PERSIST : v1::RESET);
      });
  real("--discount", "gamma, in (0, 1]", &Settings::set_discount);
  real("--max-gradient-norm", "limit of the gradient's norm (0: off)",
       &Settings::set_max_gradient_norm);
  real("--max-drift", "limit of the distance to the pretrained policy (0: off)",
       &Settings::set_max_drift);
  real("--max-action-change", "limit of what a decision changes (0: off)",
       &Settings::set_max_action_change);
  real("--noise-scale", "tau of the imagined noise (0..2)",
       &Settings::set_noise_scale);
  whole("--sampler-steps", "n, of mean_flow dynamics alone (1..64)",
        &Settings::set_sampler_steps);
  app.add_flag_function(
         "--accept-only-improvement,!--no-accept-only-improvement",
         [=](int64_t count) {
           settings->set_accept_only_improvement(count > 0);
         },
         "undo what does not raise the imagined return")
      ->group("Settings of the adaptation");
}

void AddOptions(CLI::App& app, RunOptions* options) {
  app.add_option("--server", options->server, "address of the server")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  app.add_option("--model", options->model,
                 "name of the model (default: the only one served)");
  app.add_option("--environment", options->environment,
                 "name of the environment")
      ->capture_default_str();
  app.add_option("--assets", options->assets,
                 "folder of the MuJoCo models (default: FORESIGHT_ASSETS, else "
                 "where the build found them)")
      ->type_name("DIR");
  app.add_option("--episodes", options->episodes, "episodes to play")
      ->check(Positive())
      ->capture_default_str();
  app.add_option("--seed", options->seed,
                 "seed of the first episode; the others count on")
      ->check(&RefuseMinus)
      ->capture_default_str();
  app.add_option("--max-steps", options->max_steps,
                 "steps after which an episode is cut")
      ->check(Positive())
      ->capture_default_str();
  app.add_option("--parallel", options->parallel,
                 "episodes played at once (default: one per core, at most 8)")
      ->check(Positive());
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
  app.add_option("--csv", options->csv, "write a line per episode here")
      ->type_name("FILE");
  app.add_option("--json", options->json, "write the comparison here")
      ->type_name("FILE");
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
  AddSettings(app, &options.settings);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_code = app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  return parsed;
}

}  // namespace foresight

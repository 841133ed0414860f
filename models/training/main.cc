// foresight-train: makes a bundle from recorded data.
#include <ATen/Parallel.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "models/bundle/bundle.h"
#include "models/training/assembly.h"
#include "models/training/data_source.h"
#include "models/training/device.h"
#include "models/training/ensemble.h"
#include "models/training/evaluation.h"
#include "models/training/fit.h"
#include "models/training/recipe.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int kInterrupted = 130;  // As a shell reports SIGINT.

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set by a signal");

void OnSignal(int) { stop = true; }

// The columns of the terminal behind stderr; 0 if it is not a terminal.
int TerminalColumns() {
  winsize size = {};
  if (isatty(STDERR_FILENO) == 0) return 0;
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return 80;
  }
  return size.ws_col;
}

struct Flags {
  std::string recipe, bundle;
  FitOptions fit;
  std::optional<uint64_t> seed;
  int threads = 1;
  std::vector<std::string> values;   // For annotate: "key=value".
  std::vector<std::string> bundles;  // For ensemble.
};

absl::Status RunFit(Flags& flags) {
  ASSIGN_OR_RETURN(Recipe recipe, ReadRecipe(flags.recipe));
  if (flags.seed.has_value()) {
    recipe.policy.schedule.seed = *flags.seed;
    recipe.dynamics.schedule.seed = *flags.seed;
    recipe.reward.schedule.seed = *flags.seed;
  }
  FitOptions& options = flags.fit;
  options.bundle = flags.bundle.empty() ? options.work / "bundle"
                                        : std::filesystem::path(flags.bundle);
  options.trainer = "foresight-train " FORESIGHT_VERSION;
  options.stop = &stop;
  options.out = &std::cerr;
  options.columns = TerminalColumns();
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
  return Fit(recipe, options);
}

absl::Status RunEvaluate(const Flags& flags) {
  ASSIGN_OR_RETURN(const at::TensorOptions tensors,
                   TensorsOn(flags.fit.device));
  ASSIGN_OR_RETURN(const Recipe recipe, ReadRecipe(flags.recipe));
  ASSIGN_OR_RETURN(const Bundle bundle, Bundle::Load(flags.bundle));
  ASSIGN_OR_RETURN(const DataSource source,
                   ReadDataSource(recipe, flags.fit.data));
  ASSIGN_OR_RETURN(const ErrorTable table,
                   MeasureBundle(bundle, source, tensors));
  std::cout << FormatTable(table);
  return absl::OkStatus();
}

absl::Status RunAnnotate(const Flags& flags) {
  ASSIGN_OR_RETURN(const Bundle bundle, Bundle::Load(flags.bundle));
  Measurements values;
  for (const std::string& text : flags.values) {
    const size_t equals = text.find('=');
    double value = 0;
    if (equals == std::string::npos ||
        !absl::SimpleAtod(text.substr(equals + 1), &value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\", expected KEY=NUMBER"));
    }
    values.emplace_back(text.substr(0, equals), value);
  }
  ASSIGN_OR_RETURN(const Bundle annotated, Annotate(bundle, values));
  return annotated.Save(flags.bundle);
}

absl::Status RunEnsemble(const Flags& flags) {
  std::vector<Bundle> bundles;
  for (const std::string& folder : flags.bundles) {
    ASSIGN_OR_RETURN(Bundle bundle, Bundle::Load(folder));
    bundles.push_back(std::move(bundle));
  }
  ASSIGN_OR_RETURN(const Bundle ensemble, MakeEnsemble(bundles));
  return ensemble.Save(flags.bundle);
}

void AddCommon(CLI::App& command, Flags& flags) {
  command
      .add_option("--data", flags.fit.data, "data set in D4RL's HDF5 format")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--recipe", flags.recipe,
                  "hyper-parameters, such as models/training/recipes/*.json; "
                  "it also says which episodes are held out")
      ->required()
      ->type_name("FILE");
  command.add_option("--threads", flags.threads, "threads of LibTorch")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command.add_option("--device", flags.fit.device, "cpu or cuda:N")
      ->capture_default_str();
}

void AddFit(CLI::App& app, Flags& flags) {
  CLI::App& fit = *app.add_subcommand(
      "fit",
      "Trains policy, dynamics and reward, measures them on held-out episodes "
      "and writes the bundle. After Ctrl-C the same command resumes where it "
      "stopped, bit for bit; after a kill, from a checkpoint that is at most "
      "half a minute old.");
  AddCommon(fit, flags);
  fit.add_option("--work", flags.fit.work,
                 "folder for checkpoints and CSV logs; made if missing")
      ->required()
      ->type_name("DIR");
  fit.add_option("--out", flags.bundle,
                 "folder of the bundle (default: bundle in --work)")
      ->type_name("DIR");
  fit.add_option("--parts", flags.fit.parts,
                 "some of policy,dynamics,reward; the bundle is written when "
                 "all three have finished in --work")
      ->delimiter(',')
      ->capture_default_str()
      ->check(CLI::IsMember({"policy", "dynamics", "reward"}));
  fit.add_option("--from", flags.fit.from,
                 "bundle to take the other parts from, if they are not to be "
                 "trained in --work")
      ->type_name("DIR");
  fit.add_option("--seed", flags.seed, "used instead of the recipe's seeds");
}

void AddEvaluate(CLI::App& app, Flags& flags) {
  CLI::App& evaluate = *app.add_subcommand(
      "evaluate",
      "Prints a bundle's errors on held-out episodes of a data set, beside "
      "those of a linear fit and of \"the state stays as it is\".");
  evaluate.add_option("bundle", flags.bundle, "the bundle's folder")
      ->required()
      ->type_name("DIR");
  AddCommon(evaluate, flags);
}

void AddAnnotate(CLI::App& app, Flags& flags) {
  CLI::App& annotate = *app.add_subcommand(
      "annotate",
      "Writes measured figures into a bundle's provenance, such as "
      "frozen_return=5697.");
  annotate.add_option("bundle", flags.bundle, "the bundle's folder")
      ->required()
      ->type_name("DIR");
  annotate.add_option("values", flags.values, "figures")
      ->required()
      ->type_name("KEY=NUMBER ..");
}

void AddEnsemble(CLI::App& app, Flags& flags) {
  CLI::App& ensemble = *app.add_subcommand(
      "ensemble",
      "Joins bundles whose dynamics were trained on the same data with other "
      "seeds: the first bundle, with all of their dynamics as the members of "
      "an ensemble. `evaluate` and `annotate` give it its figures.");
  ensemble.add_option("bundles", flags.bundles, "the bundles' folders")
      ->required()
      ->expected(2, 64)
      ->option_text("DIR DIR .. REQUIRED");
  ensemble.add_option("--out", flags.bundle, "folder of the ensemble's bundle")
      ->required()
      ->type_name("DIR");
}

int Main(int argc, char** argv) {
  CLI::App app("Trains the models of a foresight bundle from recorded data.",
               "foresight-train");
  app.set_version_flag("--version", "foresight-train " FORESIGHT_VERSION);
  app.require_subcommand(1);
  Flags flags;
  AddFit(app, flags);
  AddEvaluate(app, flags);
  AddAnnotate(app, flags);
  AddEnsemble(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  at::set_num_threads(flags.threads);
  const absl::Status status =
      app.got_subcommand("fit")        ? RunFit(flags)
      : app.got_subcommand("evaluate") ? RunEvaluate(flags)
      : app.got_subcommand("annotate") ? RunAnnotate(flags)
                                       : RunEnsemble(flags);
  if (status.ok()) return 0;
  std::cerr << "foresight-train: " << status.message() << "\n";
  return absl::IsCancelled(status) ? kInterrupted : 1;
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) { return foresight::Main(argc, argv); }

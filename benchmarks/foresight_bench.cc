// foresight-bench: compares the engines with each other and with the machine.
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "CLI/CLI.hpp"
#include "benchmarks/contest.h"
#include "benchmarks/machine_peak.h"
#include "benchmarks/peer_files.h"
#include "benchmarks/sessions.h"
#include "nlohmann/json.hpp"
#include "server/adaptation/autograd/autograd_engine.h"
#include "server/adaptation/fused/fused_engine.h"

namespace foresight {
namespace {

struct Arguments {
  std::string json, peer_files;
  std::vector<int> cases;  // Empty: all.
  double seconds = 10;
  bool autograd = true;
  std::string device = "cpu";  // A GPU is compared, too.
  int threads = static_cast<int>(std::thread::hardware_concurrency());
  int sessions = 0;  // 0: compare engines.
};

constexpr char kFormula[] =
    "GFLOP of a decision = 2e-9 E M {H J 2 f + H 2 c + (H+1) 3 pi + H 2 r + 3 "
    "q}"
    "\n  multiply-adds of one row: f dynamics (first layer: u alone), c its "
    "first layer's (s, a),\n  pi policy, r reward, q one critic; J sampler "
    "steps";

bool HasBfloat16() {
  return fused::SelectKernels(fused::Variant::kAuto,
                              fused::Precision::kBfloat16)
      .ok();
}

// Whether this program was built with LibTorch.
bool HasAutograd() {
  const BenchCase any = DefaultCases().front();
  return AutogradEngine::Create(*any.bundle, {}).ok();
}

// Adds the fused engine in each precision of this machine.
void AddFused(int threads, std::vector<Contestant>& contestants) {
  contestants.push_back({"fused", "fp32", threads, [](const auto& bundle) {
                           return FusedEngine::Create(bundle, {});
                         }});
  if (!HasBfloat16()) return;
  contestants.push_back({"fused", "bf16", threads, [](const auto& bundle) {
                           FusedEngine::Options options;
                           options.precision = fused::Precision::kBfloat16;
                           return FusedEngine::Create(bundle, options);
                         }});
}

// The autograd engine on `device`. On a GPU it is called after the device.
Contestant Autograd(const std::string& device, int threads) {
  return {
      device == "cpu" ? "autograd" : device, "fp32", threads,
      [device](const auto& bundle) -> absl::StatusOr<std::unique_ptr<Engine>> {
        AutogradEngine::Options options;
        options.device = device;
        return AutogradEngine::Create(*bundle, options);
      }};
}

// Adds the GPU, if one was asked for. More threads would wait for it.
void AddGpu(const Arguments& arguments, std::vector<Contestant>& contestants) {
  if (arguments.device == "cpu") return;
  contestants.push_back(Autograd(arguments.device, /*threads=*/1));
}

std::vector<Contestant> Contestants(const Arguments& arguments) {
  std::vector<Contestant> contestants;
  std::vector<int> counts = {1};
  if (arguments.threads > 1) counts.push_back(arguments.threads);
  for (const int threads : counts) {
    AddFused(threads, contestants);
    if (arguments.autograd && HasAutograd()) {
      contestants.push_back(Autograd("cpu", threads));
    }
  }
  AddGpu(arguments, contestants);
  return contestants;
}

nlohmann::json ToJson(const Result& result) {
  const AdaptationSettings& settings = result.bench_case.settings;
  return {{"dynamics", result.bench_case.dynamics()},
          {"particles", settings.particles},
          {"horizon", settings.horizon},
          {"sampler_steps", settings.sampler_steps},
          {"steps", settings.steps},
          {"engine", result.engine},
          {"precision", result.precision},
          {"threads", result.threads},
          {"ms", result.ms},
          {"gflops", result.gflops},
          {"fraction_of_peak", result.fraction_of_peak}};
}

void Print(const Result& result, double bandwidth) {
  std::printf("%-24s %-8s %-4s %7d %10.3f %9.1f",
              result.bench_case.name().c_str(), result.engine.c_str(),
              result.precision.c_str(), result.threads, result.ms,
              result.gflops);
  const bool on_cpu = result.fraction_of_peak > 0;
  if (on_cpu) {
    std::printf(" %7.1f %%", 100 * result.fraction_of_peak);
  } else {
    std::printf(" %9s", "");
  }
  if (result.over_autograd > 0) std::printf(" %9.2f", result.over_autograd);
  if (result.bench_case.settings.particles == 1 && on_cpu) {
    const double rate = result.bench_case.gigabytes() / result.ms * 1e3;
    std::printf("   %.0f GB/s, %.0f %% of the cache's", rate,
                100 * rate / bandwidth);
  }
  std::printf("\n");
  std::fflush(stdout);
}

bool Chosen(const Arguments& arguments, size_t i) {
  const auto& chosen = arguments.cases;
  return chosen.empty() ||
         std::find(chosen.begin(), chosen.end(), int(i)) != chosen.end();
}

int Fail(const absl::Status& status) {
  std::cerr << "foresight-bench: " << status << "\n";
  return 1;
}

int Write(const nlohmann::json& rows, const std::string& path) {
  if (path.empty()) return 0;
  std::ofstream file(path);
  file << rows.dump(1) << "\n";
  file.close();
  if (file) return 0;
  std::cerr << "foresight-bench: cannot write " << path << "\n";
  return 1;
}

int RunSessions(const Arguments& arguments) {
  std::printf("%d sessions on one thread\n", arguments.sessions);
  std::printf("%-24s %-8s %-4s %12s %12s %8s\n", "(M,H,K,E) dynamics", "engine",
              "", "alone ms", "together ms", "gain");
  nlohmann::json rows = nlohmann::json::array();
  const std::vector<BenchCase> cases = DefaultCases();
  for (size_t i = 0; i < cases.size(); ++i) {
    if (!Chosen(arguments, i)) continue;
    std::vector<Contestant> contestants;
    AddFused(/*threads=*/1, contestants);
    AddGpu(arguments, contestants);
    for (const Contestant& contestant : contestants) {
      const auto engine = contestant.create(cases[i].bundle);
      if (!engine.ok()) return Fail(engine.status());
      const absl::StatusOr<SessionsResult> result = CompareSessions(
          cases[i], **engine, arguments.sessions, arguments.seconds);
      if (!result.ok()) return Fail(result.status());
      std::printf("%-24s %-8s %-4s %12.3f %12.3f %8.2f\n",
                  cases[i].name().c_str(), contestant.engine.c_str(),
                  contestant.precision.c_str(), result->alone_ms,
                  result->together_ms, result->gain);
      std::fflush(stdout);
      rows.push_back({{"dynamics", cases[i].dynamics()},
                      {"particles", cases[i].settings.particles},
                      {"engine", contestant.engine},
                      {"precision", contestant.precision},
                      {"sessions", arguments.sessions},
                      {"alone_ms", result->alone_ms},
                      {"together_ms", result->together_ms},
                      {"gain", result->gain}});
    }
  }
  return Write(rows, arguments.json);
}

int Run(const Arguments& arguments) {
  const std::vector<BenchCase> cases = DefaultCases();
  const double bandwidth = MeasureReadBandwidth(size_t{1} << 19, 0.1);
  std::printf(
      "%s\npeak: %.1f GFLOP/s one thread, %.1f all %d; half a megabyte "
      "is read at %.0f GB/s\n\n",
      kFormula, MeasureFmaPeak(1, 0.1), MeasureFmaPeak(arguments.threads, 0.1),
      arguments.threads, bandwidth);
  std::printf("%-24s %-8s %-4s %7s %10s %9s %9s %9s\n", "(M,H,K,E) dynamics",
              "engine", "", "threads", "ms", "GFLOP/s", "of peak", "/autograd");
  nlohmann::json rows = nlohmann::json::array();
  for (size_t i = 0; i < cases.size(); ++i) {
    if (!Chosen(arguments, i)) continue;
    if (!arguments.peer_files.empty()) {
      const absl::Status written =
          WritePeerFiles(cases[i], std::filesystem::path(arguments.peer_files) /
                                       std::to_string(i));
      if (!written.ok()) return Fail(written);
      continue;
    }
    const absl::StatusOr<std::vector<Result>> results =
        Contest(cases[i], Contestants(arguments), arguments.seconds);
    if (!results.ok()) return Fail(results.status());
    for (const Result& result : *results) {
      Print(result, bandwidth);
      rows.push_back(ToJson(result));
    }
  }
  return Write(rows, arguments.json);
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) {
  foresight::Arguments arguments;
  CLI::App app("Times the engines' decisions, round-robin, medians.",
               "foresight-bench");
  app.add_option("--json", arguments.json, "also write the rows to this file");
  app.add_option("--peer-files", arguments.peer_files,
                 "only write the input of peers.py to this folder");
  app.add_option("--cases", arguments.cases, "numbers of the settings, from 0")
      ->delimiter(',')
      ->check(CLI::Range(size_t{0}, foresight::DefaultCases().size() - 1));
  app.add_option("--seconds", arguments.seconds, "seconds for each setting")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--threads", arguments.threads,
                 "threads of the multi-threaded runs")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--autograd,!--no-autograd", arguments.autograd,
               "compare with the autograd engine (default)");
  app.add_option("--device", arguments.device,
                 "compare with the autograd engine on cuda:N, too")
      ->capture_default_str();
  app.add_option("--sessions", arguments.sessions,
                 "instead compare this many sessions side by side with one "
                 "after another")
      ->check(CLI::Range(1, 1024));
  CLI11_PARSE(app, argc, argv);
  return arguments.sessions > 0 ? foresight::RunSessions(arguments)
                                : foresight::Run(arguments);
}

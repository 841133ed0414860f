#include "client/run/report_page.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/environments/default_assets.h"
#include "client/run/output_file.h"
#include "client/run/report.h"

extern char** environ;

namespace foresight {
namespace {

using Json = nlohmann::ordered_json;

// The script's exit status if a module is missing.
constexpr int kModuleMissing = 3;

std::filesystem::path Script() {
  const std::filesystem::path installed =
      ShareFolder(RunningProgram()) / "report_page.py";
  std::error_code error;
  if (std::filesystem::is_regular_file(installed, error)) return installed;
  return FORESIGHT_REPORT_SCRIPT;
}

Json TraceJson(uint64_t seed, const char* variant,
               const EpisodeResult& result) {
  Json json = {{"seed", seed},
               {"variant", variant},
               {"terminated", result.terminated},
               {"latencies_ms", result.latencies_ms}};
  for (const char* name : {"outcome", "reward", "objective_before",
                           "objective_after", "action_change", "drift"}) {
    json[name] = Json::array();
  }
  for (const DecisionTrace& trace : result.trace) {
    json["outcome"].push_back(v1::Outcome_Name(trace.outcome));
    json["reward"].push_back(trace.reward);
    json["objective_before"].push_back(trace.objective_before);
    json["objective_after"].push_back(trace.objective_after.has_value()
                                          ? Json(*trace.objective_after)
                                          : Json(nullptr));
    json["action_change"].push_back(trace.action_change);
    json["drift"].push_back(trace.drift);
  }
  return json;
}

// The child reads `input` and has the signals that a program starts with.
// Returns its exit status.
absl::StatusOr<int> RunScript(const std::string& argument, std::FILE* input) {
  const std::string script = Script().string();
  std::string name = "/usr/bin/python3";
  std::vector<char*> arguments = {name.data(),
                                  const_cast<char*>(script.c_str()),
                                  const_cast<char*>(argument.c_str()), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(input), STDIN_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int failure = posix_spawn(&child, name.c_str(), &actions, &attributes,
                                  arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failure != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("--report needs ", name, ": ",
                     std::system_category().message(failure)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::InternalError("waitpid failed");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

absl::Status Draw(const std::string& argument, const std::string& json) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> input(std::tmpfile());
  if (input == nullptr ||
      std::fwrite(json.data(), 1, json.size(), input.get()) != json.size() ||
      std::fflush(input.get()) != 0) {
    return absl::UnavailableError("cannot write a temporary file");
  }
  std::rewind(input.get());
  const auto status = RunScript(argument, input.get());
  if (!status.ok()) return status.status();
  if (*status == 0) return absl::OkStatus();
  const std::string script = Script().string();
  if (*status == kModuleMissing) {
    return absl::FailedPreconditionError(
        "--report needs matplotlib for /usr/bin/python3: apt-get install "
        "python3-matplotlib, or deploy/install_dependencies.sh --plots");
  }
  return absl::InternalError(
      absl::StrCat(script, " failed with status ", *status));
}

}  // namespace

std::string PageJson(const Comparison& comparison) {
  Json json = Json::parse(ToJson(comparison));
  json["step_limit"] = comparison.environment.step_limit;
  json["random_return"] = comparison.environment.random_return;
  json["expert_return"] = comparison.environment.expert_return;
  json["traces"] = Json::array();
  for (const EpisodePair& pair : comparison.episodes) {
    if (pair.frozen.has_value()) {
      json["traces"].push_back(TraceJson(pair.seed, "frozen", *pair.frozen));
    }
    if (pair.adapted.has_value()) {
      json["traces"].push_back(TraceJson(pair.seed, "adapted", *pair.adapted));
    }
  }
  return json.dump();
}

absl::Status CheckReportPage(const std::string& file) {
  if (absl::Status status = WriteFile(file, ""); !status.ok()) return status;
  std::error_code error;
  if (!std::filesystem::is_regular_file(Script(), error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "--report needs ", Script().string(), ", which is missing"));
  }
  return Draw("--check", "");
}

absl::Status WriteReportPage(const Comparison& comparison,
                             const std::string& file) {
  return Draw(file, PageJson(comparison));
}

}  // namespace foresight

#include "client/run/python_script.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/environments/default_assets.h"
#include "client/run/output_file.h"

extern char** environ;

namespace foresight {
namespace {

// Exit statuses of the scripts.
constexpr int kModuleMissing = 3;
constexpr int kCannotRender = 4;

std::filesystem::path PathOf(const PythonScript& script) {
  const std::filesystem::path installed =
      ShareFolder(RunningProgram()) / script.file;
  std::error_code error;
  if (std::filesystem::is_regular_file(installed, error)) return installed;
  return std::filesystem::path(FORESIGHT_SCRIPTS) / script.file;
}

// Runs the script, which reads `input` and starts with no signal blocked.
// Returns its exit status.
absl::StatusOr<int> Spawn(const PythonScript& python,
                          const std::string& argument, std::FILE* input) {
  const std::string script = PathOf(python).string();
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
        absl::StrCat(python.flag, " needs ", name, ": ",
                     std::system_category().message(failure)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::InternalError("waitpid failed");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

absl::Status CheckScript(const PythonScript& script, const std::string& file) {
  if (absl::Status status = WriteFile(file, ""); !status.ok()) return status;
  const std::filesystem::path path = PathOf(script);
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        script.flag, " needs ", path.string(), ", which is missing"));
  }
  return RunScript(script, "--check", "");
}

absl::Status RunScript(const PythonScript& script, const std::string& file,
                       const std::string& json) {
  struct Close {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
  };
  const std::unique_ptr<std::FILE, Close> input(std::tmpfile());
  if (input == nullptr ||
      std::fwrite(json.data(), 1, json.size(), input.get()) != json.size() ||
      std::fflush(input.get()) != 0) {
    return absl::UnavailableError("cannot write a temporary file");
  }
  std::rewind(input.get());
  const auto status = Spawn(script, file, input.get());
  if (!status.ok()) return status.status();
  switch (*status) {
    case 0:
      return absl::OkStatus();
    case kModuleMissing:
      return absl::FailedPreconditionError(script.modules_missing);
    case kCannotRender:
      return absl::FailedPreconditionError(script.rendering_missing);
    default:
      return absl::InternalError(absl::StrCat(PathOf(script).string(),
                                              " failed with status ", *status));
  }
}

}  // namespace foresight

#include "tests/support/run_command.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace foresight {
namespace {

std::string ReadAll(int file) {
  std::string text;
  char buffer[4096];
  lseek(file, 0, SEEK_SET);
  for (ssize_t n; (n = read(file, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(n));
  }
  return text;
}

}  // namespace

CommandResult RunCommand(const std::vector<std::string>& arguments) {
  return RunningCommand(arguments).Wait();
}

RunningCommand::RunningCommand(const std::vector<std::string>& arguments)
    : output_(memfd_create("output", MFD_CLOEXEC)),
      errors_(memfd_create("errors", MFD_CLOEXEC)) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output_, 1);
  posix_spawn_file_actions_adddup2(&actions, errors_, 2);
  EXPECT_EQ(
      posix_spawn(&process_, argv[0], &actions, nullptr, argv.data(), environ),
      0)
      << "cannot run " << arguments[0];
  posix_spawn_file_actions_destroy(&actions);
}

RunningCommand::~RunningCommand() {
  if (process_ > 0) {
    Signal(SIGKILL);
    Wait();
  }
  close(output_);
  close(errors_);
}

void RunningCommand::Signal(int signal) const { kill(process_, signal); }

CommandResult RunningCommand::Wait() {
  int status = 0;
  if (process_ <= 0 || waitpid(process_, &status, 0) != process_) return {};
  process_ = -1;
  CommandResult result;
  result.exit_code =
      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.output = ReadAll(output_);
  result.errors = ReadAll(errors_);
  return result;
}

}  // namespace foresight

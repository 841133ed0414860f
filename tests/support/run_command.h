// Runs programs as a user does.
#pragma once

#include <string>
#include <vector>

namespace foresight {

struct CommandResult {
  int exit_code = -1;  // 128 + N if signal N ended it, as in a shell.
  std::string output;
  std::string errors;
};

// Runs arguments[0] with the other arguments and an empty standard input, and
// waits for its end.
CommandResult RunCommand(const std::vector<std::string>& arguments);

// A running program, for tests that interrupt it.
class RunningCommand {
 public:
  explicit RunningCommand(const std::vector<std::string>& arguments);
  ~RunningCommand();  // Kills it unless Wait was called.
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  int id() const { return process_; }  // The process, until Wait.
  void Signal(int signal) const;
  CommandResult Wait();

 private:
  int process_ = -1;
  int output_ = -1;  // Files that it writes to.
  int errors_ = -1;
};

}  // namespace foresight

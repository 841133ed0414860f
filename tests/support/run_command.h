// Runs a program as a user does.
#pragma once

#include <string>
#include <vector>

namespace foresight {

struct CommandResult {
  int exit_code = -1;  // 128 + N when signal N ended it, as in a shell.
  std::string output;
  std::string errors;
};

// Runs arguments[0] with the rest as its arguments and waits for its end; its
// standard input is empty.
CommandResult RunCommand(const std::vector<std::string>& arguments);

// A program that runs on, for tests that interrupt it.
class RunningCommand {
 public:
  explicit RunningCommand(const std::vector<std::string>& arguments);
  ~RunningCommand();  // Kills it if nobody waited for it.
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  int id() const { return process_; }  // Of the process, until Wait.
  void Signal(int signal) const;
  CommandResult Wait();

 private:
  int process_ = -1;
  int output_ = -1;  // Files that it writes to.
  int errors_ = -1;
};

}  // namespace foresight

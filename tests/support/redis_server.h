// A real Redis, for one test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/run_command.h"
#include "tests/support/temporary_folder.h"

namespace foresight {

// Listens on a port of 127.0.0.1 that was free, and keeps nothing on the disk
// unless its options say so. The test fails if it does not start.
class RedisServer {
 public:
  // `options` as on redis-server's command line.
  explicit RedisServer(std::vector<std::string> options = {});

  int port() const { return port_; }
  std::string uri() const;
  // For options that name files; Redis' own files are there, too.
  std::string Path(const std::string& name) const;

  void Signal(int signal) const { process_->Signal(signal); }
  // Ends it by the signal; Start restarts it on the same port.
  void End(int signal);
  void Start();

 private:
  TemporaryFolder folder_;
  std::vector<std::string> options_;
  int port_ = 0;
  std::unique_ptr<RunningCommand> process_;
};

// A port of 127.0.0.1 that nobody listens on now.
int FreePort();

}  // namespace foresight

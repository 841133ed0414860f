// The program foresight-server.
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <variant>

#include "absl/synchronization/mutex.h"
#include "server/engine_factory.h"
#include "server/metrics/probe.h"
#include "server/options.h"
#include "server/server.h"
#include "server/service/grpc_log.h"
#include "server/support/log.h"
#include "server/support/niceness.h"

namespace foresight {
namespace {

constexpr int kRuntimeFailure = 1;
constexpr int kUsageError = 2;
// Shorter than the compute threads' slices, so calls interrupt those threads.
constexpr absl::Duration kCallSlice = absl::Microseconds(200);

// Waits for a signal other than SIGHUP and returns it; SIGHUP calls `reload`.
template <typename Reload>
int WaitForEnd(const sigset_t& signals, Reload reload) {
  int signal = SIGHUP;
  while (signal == SIGHUP) {
    sigwait(&signals, &signal);
    if (signal == SIGHUP) reload();
  }
  return signal;
}

int ProbeServer(const std::string& target) {
  const auto parsed = ParseProbeTarget(target);
  if (!parsed.ok()) {
    std::fprintf(stderr, "--probe: %s\n",
                 std::string(parsed.status().message()).c_str());
    return kUsageError;
  }
  const absl::Status status = Probe(*parsed);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return kRuntimeFailure;
}

// Each connection takes a file descriptor. The soft limit, often 1024, is meant
// for programs that use select().
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // If it fails, fewer can connect.
}

int Serve(const ServerOptions& options, const sigset_t& signals) {
  RequestSlice(kCallSlice);  // Inherited by gRPC's threads.
  auto server = Server::Start(options, FORESIGHT_VERSION,
                              MakeEngineFactory(options.engine));
  if (!server.ok()) {
    LogError("cannot start", {{"error", server.status().message()}});
    return kRuntimeFailure;
  }
  const int end = WaitForEnd(signals, [&server] {
    LogInfo("reloading models", {{"signal", SIGHUP}});
    (*server)->ReloadModels();
  });
  LogInfo("shutting down", {{"signal", end}});
  std::thread([&signals] {
    LogWarning("stopping at once", {{"signal", WaitForEnd(signals, [] {})}});
    _exit(kRuntimeFailure);
  }).detach();
  (*server)->Shutdown();
  LogInfo("ended");
  return 0;
}

}  // namespace
}  // namespace foresight

int main(int argc, char** argv) {
  // Debian's abseil looks for deadlocks at each lock, which takes a twentieth
  // of a frozen answer's time.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Block the signals before any thread starts, so that only sigwait receives
  // them.
  static sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const auto command = foresight::ParseOptions(argc, argv, FORESIGHT_VERSION);
  if (const auto* exit = std::get_if<foresight::EarlyExit>(&command)) {
    std::fputs(exit->text.c_str(), exit->code == 0 ? stdout : stderr);
    return exit->code;
  }
  const auto& options = std::get<foresight::ServerOptions>(command);
  foresight::SetLogFormat(options.log_format);
  foresight::RouteGrpcLog();
  if (!options.probe.empty()) return foresight::ProbeServer(options.probe);
  foresight::RaiseFileLimit();
  return foresight::Serve(options, signals);
}

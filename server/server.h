// foresight-server as a class, which puts all parts together.
#pragma once

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/engine_factory.h"
#include "server/options.h"

namespace foresight {

// Thread-safe.
class Server {
 public:
  // Loads the bundles; once it has returned, they are served. `make_engine` is
  // called once per bundle, also for bundles that are loaded later.
  // Errors, each naming what is at fault:
  //   NotFound, InvalidArgument: a bad bundle (see Bundle::Load), certificate
  //                  or token file; or CheckExposure refuses the options.
  //   AlreadyExists: two bundles of one name.
  //   ResourceExhausted: more bundles than registry.max_generations.
  //   Unavailable:   an address is taken, the port file cannot be written, or
  //                  the engine or device is not available on this machine.
  //   Internal:      an engine fails on its bundle.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options, const std::string& version,
      const EngineFactory& make_engine);

  // Shuts down.
  ~Server();

  // The address, such as "127.0.0.1:50051", with the port that the system
  // chose.
  const std::string& address() const;
  const std::string& admin_address() const;  // Likewise; empty: off.
  int metrics_port() const;                  // 0: off.

  // Loads the folders of the options again, on a thread of its own; the log
  // tells how it went. Does nothing after Shutdown.
  void ReloadModels();

  // Reports NOT_SERVING and keeps serving for shutdown_notice. Then refuses new
  // calls, answers all accepted ones, and ends; after drain_timeout it cuts
  // short those that still run. Later calls of Shutdown do nothing.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  absl::Mutex mutex_;
  std::unique_ptr<Parts> parts_;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace foresight

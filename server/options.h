// The options of foresight-server, from its command line or a file. Each is
// defined once: options.cc has its name, check and help. Its default is the
// initialiser here or in the Options of the part that uses it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/decisions/decision_maker.h"
#include "server/decisions/request_checks.h"
#include "server/decisions/session_keeper.h"
#include "server/decisions/session_operations.h"
#include "server/durability/journal.h"
#include "server/engine_choice.h"
#include "server/registry/model_registry.h"
#include "server/scheduling/scheduler.h"
#include "server/security/security.h"
#include "server/service/control_call.h"
#include "server/sessions/session_store.h"
#include "server/support/log.h"

namespace foresight {

struct ServerOptions {
  std::vector<std::string> models;  // Bundle folders; at least one.
  std::string listen = "127.0.0.1:50051";
  std::string metrics_listen = "127.0.0.1:9464";  // Or "off".
  std::string admin_listen = "off";               // Or HOST:PORT.
  std::string model_root;  // Loads come from below it; empty: no loads.
  ModelRegistry::Options registry;
  std::string port_file;  // Empty: none.
  LogFormat log_format = LogFormat::kText;
  std::string probe;  // Not empty: only probe that address (metrics/probe.h).

  Security::Options security;
  bool insecure = false;  // Plain text may leave the machine.

  EngineChoice engine;
  int threads = 0;  // Lanes; 0: one per available core, or one with a GPU.
  Scheduler::Options scheduler;  // The server sets queue.lanes.

  SessionStore::Options sessions;  // The server sets `ended`.
  SessionOperations::Options operations;
  ControlCall::Options streams;
  int max_connection_calls = 1024;  // At once, streams included.
  int64_t max_transport_bytes = int64_t{512} << 20;  // gRPC's buffers.
  RequestLimits requests;
  DecisionMaker::Options decisions;

  // Both empty: sessions live in memory alone.
  std::string state_dir;
  std::string state;         // A shared store (durability/redis_address.h).
  std::string state_tls_ca;  // PEM; empty: the system's CAs.
  Journal::Options journal;  // The server sets `probe` and `fenced`.
  SessionKeeper::Options keeper;  // The server sets `shared`.

  absl::Duration shutdown_notice = absl::Milliseconds(200);
  absl::Duration drain_timeout = absl::Seconds(5);
};

// Errors: InvalidArgument, naming the option: plain text could leave the
// machine without `insecure`, somebody else could administrate the server, or a
// file needs another one that is not given.
absl::Status CheckExposure(const ServerOptions& options);

// Returned if there is nothing to serve: print `text` and exit with `code`.
struct EarlyExit {
  int code = 0;      // 0: --help or --version, to stdout; 2: to stderr.
  std::string text;  // Whole lines.
};

// `version` is what --version prints.
std::variant<ServerOptions, EarlyExit> ParseOptions(int argc,
                                                    const char* const* argv,
                                                    const std::string& version);

}  // namespace foresight

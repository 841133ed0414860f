// Serves /metrics, /livez and /readyz over HTTP.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "prometheus/collectable.h"

struct mg_connection;
struct mg_context;

namespace foresight {

enum class Readiness { kLoading, kServing, kDraining };

// /metrics is in Prometheus' text format. /livez answers 200 while the process
// can answer. /readyz answers 200 while clients are served, else 503.
//
// Thread-safe. Serves until destroyed.
class MetricsEndpoint {
 public:
  using Collectables = std::vector<std::shared_ptr<prometheus::Collectable>>;

  // `address` is like "127.0.0.1:9464"; for port 0 the system chooses one.
  // Starts as kLoading.
  // Errors: Unavailable: it cannot listen on the address.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Create(
      const std::string& address, Collectables collectables);

  ~MetricsEndpoint();

  void SetReadiness(Readiness readiness) { readiness_ = readiness; }

  int port() const { return port_; }

 private:
  struct Page {
    int code;
    std::string text;
  };

  explicit MetricsEndpoint(Collectables collectables)
      : collectables_(std::move(collectables)) {}

  static int Answer(mg_connection* connection);
  Page Find(absl::string_view path) const;
  std::string CollectText() const;

  const Collectables collectables_;
  std::atomic<Readiness> readiness_ = Readiness::kLoading;
  int port_ = 0;
  mg_context* server_ = nullptr;  // Last: its threads use the rest.
};

}  // namespace foresight

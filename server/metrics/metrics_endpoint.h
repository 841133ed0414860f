// Serves metrics over HTTP, at /metrics.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "prometheus/exposer.h"
#include "prometheus/registry.h"

namespace foresight {

// Thread-safe. Serves until destroyed.
class MetricsEndpoint {
 public:
  // `address` is "127.0.0.1:9464"; with port 0 the system chooses one.
  // Errors: Unavailable: the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Create(
      const std::string& address,
      std::shared_ptr<prometheus::Registry> registry);

  ~MetricsEndpoint();

  int port() const { return exposer_->GetListeningPorts().at(0); }

 private:
  MetricsEndpoint(const std::string& address,
                  std::shared_ptr<prometheus::Registry> registry);

  const std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace foresight

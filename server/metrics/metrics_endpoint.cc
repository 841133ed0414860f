#include "server/metrics/metrics_endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace foresight {
namespace {

// Connects and goes away.
void Knock(int port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // Whether it works makes no difference but the time that stopping takes.
  (void)connect(socket_fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address));
  close(socket_fd);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Create(
    const std::string& address,
    std::shared_ptr<prometheus::Registry> registry) {
  try {
    return std::unique_ptr<MetricsEndpoint>(
        new MetricsEndpoint(address, std::move(registry)));
  } catch (const std::exception& error) {  // From the HTTP server.
    return absl::UnavailableError(absl::StrCat(
        "cannot serve metrics on ", address,
        ": the address is taken or not this machine's (", error.what(), ")"));
  }
}

MetricsEndpoint::MetricsEndpoint(const std::string& address,
                                 std::shared_ptr<prometheus::Registry> registry)
    : registry_(std::move(registry)),
      exposer_(std::make_unique<prometheus::Exposer>(address,
                                                     /*num_threads=*/1)) {
  exposer_->RegisterCollectable(registry_);
}

MetricsEndpoint::~MetricsEndpoint() {
  // The HTTP server sees that it is to stop only when somebody connects, or
  // after two seconds.
  absl::Notification stopped;
  std::thread knocking([&stopped, port = port()] {
    while (!stopped.WaitForNotificationWithTimeout(absl::Milliseconds(20))) {
      Knock(port);
    }
  });
  exposer_.reset();
  stopped.Notify();
  knocking.join();
}

}  // namespace foresight

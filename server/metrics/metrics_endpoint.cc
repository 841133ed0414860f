#include "server/metrics/metrics_endpoint.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "prometheus/text_serializer.h"
#include "server/support/event.h"

namespace foresight {
namespace {

// Enough that a hanging scrape leaves threads for the probes.
constexpr char kThreads[] = "4";
constexpr char kRequestTimeoutMs[] = "5000";

// Connects and disconnects.
void Knock(int port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // If it fails, stopping only takes longer.
  (void)connect(socket_fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address));
  close(socket_fd);
}

void Send(mg_connection* connection, int code, absl::string_view text,
          bool with_body) {
  mg_response_header_start(connection, code);
  mg_response_header_add(connection, "Content-Type",
                         "text/plain; version=0.0.4; charset=utf-8", -1);
  mg_response_header_add(connection, "Cache-Control", "no-store", -1);
  mg_response_header_add(connection, "Content-Length",
                         absl::StrCat(text.size()).c_str(), -1);
  mg_response_header_send(connection);
  if (with_body) mg_write(connection, text.data(), text.size());
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Create(
    const std::string& address, Collectables collectables) {
  std::unique_ptr<MetricsEndpoint> endpoint(
      new MetricsEndpoint(std::move(collectables)));
  const char* options[] = {
      "listening_ports",    address.c_str(),   "num_threads", kThreads,
      "request_timeout_ms", kRequestTimeoutMs, nullptr};
  mg_callbacks callbacks = {};
  callbacks.begin_request = &MetricsEndpoint::Answer;
  mg_init_data init = {&callbacks, endpoint.get(), options};
  char reason[256] = "";
  unsigned code = 0;
  mg_error_data error = {&code, reason, sizeof(reason)};
  mg_init_library(MG_FEATURES_DEFAULT);
  endpoint->server_ = mg_start2(&init, &error);
  mg_server_port port = {};
  if (endpoint->server_ == nullptr ||
      mg_get_server_ports(endpoint->server_, 1, &port) != 1) {
    return absl::UnavailableError(absl::StrCat(
        "cannot serve metrics on ", address,
        ": the address is taken or not this machine's (", reason, ")"));
  }
  endpoint->port_ = port.port;
  return endpoint;
}

MetricsEndpoint::~MetricsEndpoint() {
  if (server_ == nullptr) return;
  // The HTTP server notices that it should stop only at the next connection, or
  // after two seconds.
  Event stopped;
  std::thread knocking([&stopped, port = port_] {
    while (!stopped.WaitFor(absl::Milliseconds(20))) {
      Knock(port);
    }
  });
  mg_stop(server_);
  stopped.Set();
  knocking.join();
}

int MetricsEndpoint::Answer(mg_connection* connection) {
  const mg_request_info* request = mg_get_request_info(connection);
  const absl::string_view method = request->request_method;
  Page page = {405, "only GET and HEAD are served\n"};
  if (method == "GET" || method == "HEAD") {
    const auto* endpoint =
        static_cast<const MetricsEndpoint*>(request->user_data);
    page =
        endpoint->Find(request->local_uri == nullptr ? "" : request->local_uri);
  }
  Send(connection, page.code, page.text, method != "HEAD");
  return page.code;
}

MetricsEndpoint::Page MetricsEndpoint::Find(absl::string_view path) const {
  if (path == "/metrics") return {200, CollectText()};
  if (path == "/livez") return {200, "alive\n"};
  if (path == "/readyz") {
    switch (readiness_) {
      case Readiness::kLoading:
        return {503, "loading models\n"};
      case Readiness::kServing:
        return {200, "serving\n"};
      case Readiness::kDraining:
        return {503, "draining\n"};
    }
  }
  return {404, "expected /metrics, /livez or /readyz\n"};
}

std::string MetricsEndpoint::CollectText() const {
  std::vector<prometheus::MetricFamily> families;
  for (const auto& collectable : collectables_) {
    for (auto& family : collectable->Collect()) {
      families.push_back(std::move(family));
    }
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace foresight

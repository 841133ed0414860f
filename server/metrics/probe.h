// A health probe for container runtimes that can only run a program.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace foresight {

// A URL without its scheme: "127.0.0.1:9464/livez".
struct ProbeTarget {
  std::string host;  // Without the brackets of an IPv6 address.
  int port = 0;
  std::string path;
};

// Parses "HOST:PORT[/PATH]"; the default path is /readyz. Errors:
// InvalidArgument: `text` does not have that form.
absl::StatusOr<ProbeTarget> ParseProbeTarget(absl::string_view text);

// Asks a server's metrics address (metrics_endpoint.h), in plain HTTP.
// Errors: Unavailable: no answer, or one other than 200, which the message
// quotes.
absl::Status Probe(const ProbeTarget& target);

}  // namespace foresight

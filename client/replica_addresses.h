// Which servers a client may use.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace foresight {

struct ReplicaAddress {
  std::string target;  // "host:port" of one server.
  // The name in the server's certificate, if that is not in `target`.
  std::string server_name;
};

// `servers` is "host:port", several of them separated by commas, or one
// "name:port" whose name has several IPv4 or several IPv6 addresses in DNS,
// with a server at each. A name is looked up once, which may take seconds.
// Errors: InvalidArgument: an address is empty or occurs twice.
absl::StatusOr<std::vector<ReplicaAddress>> FindReplicas(
    const std::string& servers);

}  // namespace foresight

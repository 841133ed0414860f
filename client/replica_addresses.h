// Which servers a client may use.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace foresight {

struct ReplicaAddress {
  std::string target;  // "host:port" of one server.
  // The name that its certificate has, where `target` does not say it.
  std::string server_name;
};

// `servers` is "host:port", several of them with commas between, or one
// "name:port" whose name has several IPv4 or several IPv6 addresses in DNS: a
// server at each. A name is looked up once, which may take seconds.
// Errors: InvalidArgument: an address is empty or there twice.
absl::StatusOr<std::vector<ReplicaAddress>> FindReplicas(
    const std::string& servers);

}  // namespace foresight

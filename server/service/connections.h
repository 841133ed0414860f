// Finds the connected clients.
#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"

namespace foresight {

// The peers of all open connections to this process's servers, named as
// grpc::ServerContext::peer names them ("ipv4:127.0.0.1:41234"). gRPC does not
// report lost connections, but its channelz lists the open ones if the servers
// set GRPC_ARG_ENABLE_CHANNELZ. Returns none if channelz does not answer: then
// no connection may be regarded as lost.
std::optional<absl::flat_hash_set<std::string>> AliveConnections();

}  // namespace foresight

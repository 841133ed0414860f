// Finds the connected clients.
#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"

namespace foresight {

// The peers ("ipv4:127.0.0.1:41234") of all present connections of this
// process's servers, named as by grpc::ServerContext::peer. gRPC does not
// report lost connections, but its channelz lists the present ones; the servers
// need GRPC_ARG_ENABLE_CHANNELZ. Returns none if channelz does not answer: then
// no connection may be regarded as lost.
std::optional<absl::flat_hash_set<std::string>> AliveConnections();

}  // namespace foresight

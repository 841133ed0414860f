// Which clients are connected.
#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_set.h"

namespace foresight {

// The peers ("ipv4:127.0.0.1:41234") of every connection that this process's
// servers have now, as grpc::ServerContext::peer names them. gRPC tells nobody
// that a connection has gone, but its channelz lists those that are left; the
// servers must have GRPC_ARG_ENABLE_CHANNELZ. None if it does not answer: then
// nobody may be taken for gone.
std::optional<absl::flat_hash_set<std::string>> AliveConnections();

}  // namespace foresight

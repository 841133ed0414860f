// The servers that a client may use, and which of them a session goes to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/channel_watch.h"
#include "client/connection.h"
#include "foresight/cancellation.h"
#include "foresight/steady_time.h"

namespace foresight {

// Each session id has its own order of the replicas (rendezvous hashing):
// clients that know the same addresses agree on it, and a replica that comes or
// goes moves only its own sessions.
//
// Thread-safe.
class Replicas {
 public:
  // Connects to all servers that FindReplicas (replica_addresses.h) finds.
  // Waits until one of them serves, and at most half a second for the others.
  // If there are several, gRPC's health service watches them, so that sessions
  // leave a draining server at once. Errors: as Connection::Open and
  // FindReplicas.
  static absl::StatusOr<std::shared_ptr<const Replicas>> Open(
      const std::string& servers, const Connection::Options& options);

  // For a single server.
  explicit Replicas(std::shared_ptr<const Connection> connection)
      : connections_({std::move(connection)}) {}

  int size() const { return static_cast<int>(connections_.size()); }
  const std::shared_ptr<const Connection>& connection(int replica) const {
    return connections_[replica];
  }
  const Connection::Options& options() const {
    return connections_.front()->options();
  }

  // Returns the first replica in the session's order that serves and is not
  // `avoided` (-1: none). If none serves, returns the first one not `avoided`;
  // with a single replica, returns that one in any case.
  int Choose(absl::string_view session_id, int avoided = -1) const;

  // Waits until one of several servers serves, but at most five seconds, and
  // not beyond `deadline` or a cancellation. Returns at once if there is only
  // one server: the error of a failed call then says more.
  void AwaitOne(SteadyTime deadline, const Cancellation* cancellation) const;

 private:
  explicit Replicas(std::vector<std::shared_ptr<const Connection>> connections);

  const std::vector<std::shared_ptr<const Connection>> connections_;
  std::unique_ptr<ChannelWatch> watch_;  // Null for a single replica.
};

// The weight of `replica` for `key`: a session goes to the replica with the
// highest weight. It is the same in every process and version.
uint64_t RendezvousWeight(absl::string_view key, absl::string_view replica);

}  // namespace foresight

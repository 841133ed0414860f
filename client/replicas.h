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

// Each session id has an order of the replicas of its own (rendezvous hashing):
// clients that know the same addresses agree on it, and a replica that comes or
// goes moves no session but its own.
//
// Thread-safe.
class Replicas {
 public:
  // Connects to all that FindReplicas (replica_addresses.h) finds and waits
  // until one of them serves, and half a second at most for the others. More
  // than one are watched by gRPC's health service, so that a server that drains
  // is left at once. Errors: as Connection::Open and FindReplicas.
  static absl::StatusOr<std::shared_ptr<const Replicas>> Open(
      const std::string& servers, const Connection::Options& options);

  // A single one.
  explicit Replicas(std::shared_ptr<const Connection> connection)
      : connections_({std::move(connection)}) {}

  int size() const { return static_cast<int>(connections_.size()); }
  const std::shared_ptr<const Connection>& connection(int replica) const {
    return connections_[replica];
  }
  const Connection::Options& options() const {
    return connections_.front()->options();
  }

  // The first in the session's order of those that serve and are not `avoided`
  // (-1: none); if there is none, the first but `avoided`, or the only one.
  int Choose(absl::string_view session_id, int avoided = -1) const;

  // Waits until one of several serves: not after `deadline`, not for longer
  // than five seconds, and not once cancelled. Returns at once if there is only
  // one server, as a failed call's error says more.
  void AwaitOne(SteadyTime deadline, const Cancellation* cancellation) const;

 private:
  explicit Replicas(std::vector<std::shared_ptr<const Connection>> connections);

  const std::vector<std::shared_ptr<const Connection>> connections_;
  std::unique_ptr<ChannelWatch> watch_;  // Null for a single one.
};

// What `key` and `replica` weigh together; a session goes to the replica with
// the highest weight. The same in every process and version.
uint64_t RendezvousWeight(absl::string_view key, absl::string_view replica);

}  // namespace foresight

#include "client/replicas.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "client/replica_addresses.h"
#include "foresight/steady_time.h"

namespace foresight {
namespace {

constexpr absl::Duration kLookAgain = absl::Milliseconds(2);

// The longest wait for other servers once one serves. It lets clients that
// are starting agree on where sessions belong.
constexpr absl::Duration kSettle = absl::Milliseconds(500);

// Long enough for a take-over and for a rolling restart.
constexpr absl::Duration kPatience = absl::Seconds(5);

}  // namespace

uint64_t RendezvousWeight(absl::string_view key, absl::string_view replica) {
  // FNV-1a, whose high bits are then mixed as in SplitMix64.
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](absl::string_view text) {
    for (const char byte : text) {
      hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
  };
  add(key);
  add(absl::string_view("\0", 1));
  add(replica);
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

Replicas::Replicas(std::vector<std::shared_ptr<const Connection>> connections)
    : connections_(std::move(connections)) {
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (const auto& connection : connections_) {
    channels.push_back(connection->channel());
  }
  watch_ = std::make_unique<ChannelWatch>(std::move(channels));
}

absl::StatusOr<std::shared_ptr<const Replicas>> Replicas::Open(
    const std::string& servers, const Connection::Options& options) {
  const auto addresses = FindReplicas(servers);
  if (!addresses.ok()) return addresses.status();
  if (addresses->size() == 1) {
    auto connection = Connection::Open(addresses->front().target, options);
    if (!connection.ok()) return connection.status();
    return std::make_shared<const Replicas>(*std::move(connection));
  }
  std::vector<std::shared_ptr<const Connection>> connections;
  for (const ReplicaAddress& address : *addresses) {
    auto connection = Connection::OpenReplica(address, options);
    if (!connection.ok()) return connection.status();
    connections.push_back(*std::move(connection));
  }
  std::shared_ptr<const Replicas> replicas(
      new Replicas(std::move(connections)));
  const SteadyTime begin = SteadyNow();
  const SteadyTime give_up = After(begin, options.connect_timeout);
  const SteadyTime settle = After(begin, kSettle);
  while (true) {
    int ready = 0, known = 0;
    for (const auto& connection : replicas->connections_) {
      ready += connection->ready() ? 1 : 0;
      known += connection->ready() || connection->failing() ? 1 : 0;
    }
    if (ready > 0 && (known == replicas->size() || SteadyNow() >= settle)) {
      return replicas;
    }
    if (SteadyNow() >= give_up) {
      return absl::UnavailableError(absl::StrCat(
          "none of the servers at ",
          absl::StrJoin(*addresses, ", ",
                        [](std::string* out, const ReplicaAddress& address) {
                          absl::StrAppend(out, address.target);
                        }),
          " serves within ", absl::FormatDuration(options.connect_timeout),
          "; is foresight-server running there, and does one of the two expect "
          "TLS or a certificate of the other?"));
    }
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(kLookAgain));
  }
}

void Replicas::AwaitOne(SteadyTime deadline,
                        const Cancellation* cancellation) const {
  if (size() == 1) return;
  const SteadyTime end = std::min(deadline, After(SteadyNow(), kPatience));
  while (!connection(Choose(""))->ready() && SteadyNow() < end &&
         (cancellation == nullptr || !cancellation->cancelled())) {
    std::this_thread::sleep_for(absl::ToChronoMilliseconds(kLookAgain));
  }
}

int Replicas::Choose(absl::string_view session_id, int avoided) const {
  int best = -1;
  bool best_ready = false;
  uint64_t best_weight = 0;
  if (size() == 1) return 0;
  for (int i = 0; i < size(); ++i) {
    if (i == avoided) continue;
    const bool ready = connections_[i]->ready();
    const uint64_t weight =
        RendezvousWeight(session_id, connections_[i]->address());
    if (best < 0 || ready > best_ready ||
        (ready == best_ready && weight > best_weight)) {
      best = i;
      best_ready = ready;
      best_weight = weight;
    }
  }
  return best;
}

}  // namespace foresight

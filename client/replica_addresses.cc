#include "client/replica_addresses.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace foresight {
namespace {

// The numeric addresses of one family that the host has.
std::set<std::string> LookUp(const std::string& host, int family) {
  addrinfo hints = {};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found,
                                                            freeaddrinfo);
  std::set<std::string> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    std::array<char, NI_MAXHOST> text = {};
    if (getnameinfo(info->ai_addr, info->ai_addrlen, text.data(), text.size(),
                    nullptr, 0, NI_NUMERICHOST) == 0) {
      addresses.insert(text.data());
    }
  }
  return addresses;
}

// Returns one server at `address`, unless its name stands for several servers.
// A name with one address of each family is one server.
std::vector<ReplicaAddress> Expand(const std::string& address) {
  const size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  if (colon == std::string::npos || host.find(':') != std::string::npos) {
    return {{address, ""}};
  }
  const std::string port = address.substr(colon + 1);
  std::vector<ReplicaAddress> replicas;
  for (const int family : {AF_INET, AF_INET6}) {
    const auto numeric = LookUp(host, family);
    if (numeric.size() < 2) continue;
    for (const std::string& one : numeric) {
      replicas.push_back({family == AF_INET
                              ? absl::StrCat("ipv4:", one, ":", port)
                              : absl::StrCat("ipv6:[", one, "]:", port),
                          host});
    }
    return replicas;
  }
  return {{address, ""}};
}

}  // namespace

absl::StatusOr<std::vector<ReplicaAddress>> FindReplicas(
    const std::string& servers) {
  std::vector<ReplicaAddress> replicas;
  for (absl::string_view server : absl::StrSplit(servers, ',')) {
    const std::string address(absl::StripAsciiWhitespace(server));
    if (address.empty()) {
      return absl::InvalidArgumentError(
          servers.empty() ? "the server's address is empty"
                          : absl::StrCat("an address in \"", servers,
                                         "\" is empty, expected HOST:PORT"));
    }
    const auto same = [&](const ReplicaAddress& known) {
      return known.target == address;
    };
    if (std::any_of(replicas.begin(), replicas.end(), same)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the address ", address, " is there twice, expected once"));
    }
    replicas.push_back({address, ""});
  }
  if (replicas.size() == 1) return Expand(replicas.front().target);
  return replicas;
}

}  // namespace foresight

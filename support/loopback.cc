#include "support/loopback.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/strip.h"

namespace foresight {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

bool IsLoopback(const in_addr& address) {
  return ntohl(address.s_addr) >> 24 == 127;
}

bool IsLoopback(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    return IsLoopback(reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  }
  if (address.sa_family != AF_INET6) return false;
  const in6_addr& host =
      reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (!IN6_IS_ADDR_V4MAPPED(&host)) return IN6_IS_ADDR_LOOPBACK(&host);
  in_addr mapped;
  std::memcpy(&mapped, &host.s6_addr[12], sizeof(mapped));
  return IsLoopback(mapped);
}

// The host in an address such as "[::1]:50051"; empty if there is none.
std::string HostOf(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return "";
  absl::string_view host = address.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) {
    return "";
  }
  return std::string(host);
}

}  // namespace

bool IsLoopback(absl::string_view address) {
  const std::string host = HostOf(address);
  if (host.empty()) return false;
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (!IsLoopback(*each->ai_addr)) return false;
  }
  return found != nullptr;
}

}  // namespace foresight

#include "server/service/connections.h"

#include <grpc/grpc.h>
#include <grpc/support/alloc.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace foresight {
namespace {

struct FreeText {
  void operator()(char* text) const { gpr_free(text); }
};

// Parses channelz's answer; null if there is none.
nlohmann::json Parse(char* answer) {
  const std::unique_ptr<char, FreeText> text(answer);
  if (text == nullptr) return nullptr;
  return nlohmann::json::parse(text.get(), nullptr, /*allow_exceptions=*/false);
}

// Reads an id; channelz gives numbers as strings.
intptr_t Id(const nlohmann::json& reference, const char* name) {
  int64_t id = 0;
  if (reference.contains(name) && reference[name].is_string()) {
    (void)absl::SimpleAtoi(reference[name].get<std::string>(), &id);
  }
  return static_cast<intptr_t>(id);
}

// The peer at the end of a socket's name such as "... ipv4:1.2.3.4:5".
std::string Peer(const std::string& name) {
  return name.substr(name.rfind(' ') + 1);
}

}  // namespace

std::optional<absl::flat_hash_set<std::string>> AliveConnections() {
  absl::flat_hash_set<std::string> alive;
  const nlohmann::json servers = Parse(grpc_channelz_get_servers(0));
  if (!servers.is_object() || !servers.contains("server")) {
    return std::nullopt;
  }
  for (const nlohmann::json& server : servers["server"]) {
    const intptr_t id = Id(server["ref"], "serverId");
    intptr_t next = 0;
    bool all = false;
    while (!all) {
      const nlohmann::json sockets =
          Parse(grpc_channelz_get_server_sockets(id, next, 500));
      if (!sockets.is_object() || !sockets.contains("socketRef")) break;
      for (const nlohmann::json& socket : sockets["socketRef"]) {
        next = Id(socket, "socketId") + 1;
        if (!socket.contains("name")) continue;
        alive.insert(Peer(socket["name"].get<std::string>()));
      }
      all = sockets.contains("end");
    }
  }
  return alive;
}

}  // namespace foresight

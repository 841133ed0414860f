#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace foresight {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool Listens(int port) {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Loopback(port);
  const bool connected =
      connect(file, reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0;
  close(file);
  return connected;
}

}  // namespace

int FreePort() {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(file, reinterpret_cast<sockaddr*>(&address), size), 0);
  getsockname(file, reinterpret_cast<sockaddr*>(&address), &size);
  close(file);
  return ntohs(address.sin_port);
}

RedisServer::RedisServer(std::vector<std::string> options)
    : options_(std::move(options)), port_(FreePort()) {
  Start();
}

std::string RedisServer::uri() const {
  return absl::StrCat("redis://127.0.0.1:", port_);
}

std::string RedisServer::Path(const std::string& name) const {
  return (folder_.path() / name).string();
}

void RedisServer::End(int signal) {
  process_->Signal(signal);
  process_->Wait();
}

void RedisServer::Start() {
  const bool tls = std::count(options_.begin(), options_.end(), "--tls-port");
  std::vector<std::string> command = {
      "/usr/bin/redis-server", "--bind", "127.0.0.1", "--dir",
      folder_.path().string(), "--save", ""};
  if (!tls) {
    command.push_back("--port");
    command.push_back(absl::StrCat(port_));
  }
  for (const std::string& option : options_) {
    command.push_back(option == "PORT" ? absl::StrCat(port_) : option);
  }
  process_ = std::make_unique<RunningCommand>(command);
  const absl::Time give_up = absl::Now() + kPatience;
  while (!Listens(port_) && absl::Now() < give_up) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  ASSERT_TRUE(Listens(port_)) << "redis-server does not start";
}

}  // namespace foresight

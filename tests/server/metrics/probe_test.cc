#include "server/metrics/probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "server/metrics/metrics_endpoint.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

TEST(ProbeTest, ATargetIsAnAddressAndPerhapsAPath) {
  const auto plain = ParseProbeTarget("localhost:9464");
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->host, "localhost");
  EXPECT_EQ(plain->port, 9464);
  EXPECT_EQ(plain->path, "/readyz");
  const auto with_path = ParseProbeTarget("[::1]:80/livez");
  ASSERT_TRUE(with_path.ok()) << with_path.status();
  EXPECT_EQ(with_path->host, "::1");
  EXPECT_EQ(with_path->port, 80);
  EXPECT_EQ(with_path->path, "/livez");
}

TEST(ProbeTest, AnotherFormIsRefusedNamingIt) {
  for (const char* text : {"", "9464", "host", "host:", ":80", "host:0",
                           "host:70000", "host:http", "/readyz"}) {
    EXPECT_THAT(Message(ParseProbeTarget(text).status()),
                AllOf(HasSubstr(std::string("got ") + text),
                      HasSubstr("expected HOST:PORT")));
  }
}

TEST(ProbeTest, ItFollowsTheServersReadiness) {
  const auto endpoint = MetricsEndpoint::Create("127.0.0.1:0", {});
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const int port = (*endpoint)->port();
  EXPECT_THAT(Message(Probe({"127.0.0.1", port, "/readyz"})),
              HasSubstr("answered 503 loading models, expected 200"));
  (*endpoint)->SetReadiness(Readiness::kServing);
  EXPECT_TRUE(Probe({"127.0.0.1", port, "/readyz"}).ok());
  (*endpoint)->SetReadiness(Readiness::kDraining);
  EXPECT_FALSE(Probe({"127.0.0.1", port, "/readyz"}).ok());
  EXPECT_TRUE(Probe({"127.0.0.1", port, "/livez"}).ok());
}

TEST(ProbeTest, NobodyThereIsUnavailable) {
  int port;
  {
    const auto endpoint = MetricsEndpoint::Create("127.0.0.1:0", {});
    ASSERT_TRUE(endpoint.ok()) << endpoint.status();
    port = (*endpoint)->port();
  }
  const absl::Status status = Probe({"127.0.0.1", port, "/readyz"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("http://127.0.0.1:"));
}

// As if the probe were given the address of --listen.
TEST(ProbeTest, SaysWhatItExpectsOfAnotherProtocol) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const bound = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(listener, bound, size), 0);
  ASSERT_EQ(getsockname(listener, bound, &size), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  std::thread peer([listener] {
    const int connection = accept(listener, nullptr, nullptr);
    constexpr char kNoHttp[] = "PRI * is not HTTP/1.1\r\n\r\n";
    EXPECT_GT(send(connection, kNoHttp, sizeof(kNoHttp) - 1, 0), 0);
    char request[512];
    while (recv(connection, request, sizeof(request), 0) > 0) {
    }
    close(connection);
  });
  const absl::Status status =
      Probe({"127.0.0.1", ntohs(address.sin_port), "/readyz"});
  peer.join();
  close(listener);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status),
              HasSubstr("expected the address of --metrics-listen"));
}

}  // namespace
}  // namespace foresight

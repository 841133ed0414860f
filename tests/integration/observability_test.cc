// The operator's view of a server: readiness, request ids, its log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "tests/integration/served_test.h"
#include "tests/support/captured_stderr.h"
#include "tests/support/http_get.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kTraceparent[] =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

bool Await(const std::function<bool()>& condition) {
  const absl::Time give_up = absl::Now() + kPatience;
  while (absl::Now() < give_up) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

class ObservabilityTest : public ServedTest {
 protected:
  bool AwaitReadyz(int port, const std::string& part) {
    return Await([&] {
      return HttpGet(port, "/readyz").find(part) != std::string::npos;
    });
  }

  // Returns the port in the first line "... serving metrics
  // address=127.0.0.1:PORT"; 0 if it does not appear in time.
  int AwaitMetricsPort() {
    int port = 0;
    Await([this, &port] {
      const std::string text = stderr_.Text();
      const std::string key = "serving metrics address=127.0.0.1:";
      const size_t begin = text.find(key);
      const size_t end = text.find('\n', begin);
      return begin != std::string::npos && end != std::string::npos &&
             absl::SimpleAtoi(
                 text.substr(begin + key.size(), end - begin - key.size()),
                 &port);
    });
    return port;
  }

  static CommandResult Probe(const std::string& target) {
    return RunCommand(
        {std::string(FORESIGHT_BUILD_DIR) + "/bin/foresight-server", "--probe",
         target});
  }

  static std::unique_ptr<grpc::ClientContext> Tagged(
      const std::string& request_id) {
    auto context = Patient();
    context->AddMetadata("x-request-id", request_id);
    context->AddMetadata("traceparent", kTraceparent);
    return context;
  }
  static std::string EchoedId(const grpc::ClientContext& context) {
    const auto& metadata = context.GetServerInitialMetadata();
    const auto id = metadata.find("x-request-id");
    return id == metadata.end()
               ? ""
               : std::string(id->second.data(), id->second.size());
  }

  CapturedStderr stderr_;
};

TEST_F(ObservabilityTest, ItIsReadyFromItsModelsUntilItDrains) {
  options_.drain_timeout = kPatience;
  absl::Notification load;
  absl::StatusOr<std::unique_ptr<Server>> server;
  std::thread starting([&] {
    server = Server::Start(options_, "test", [&](auto) {
      load.WaitForNotification();
      return engine_;
    });
  });
  const int port = AwaitMetricsPort();
  EXPECT_TRUE(AwaitReadyz(port, "503 Service Unavailable"));
  EXPECT_THAT(HttpGet(port, "/readyz"), HasSubstr("loading models"));
  EXPECT_THAT(HttpGet(port, "/livez"), HasSubstr("HTTP/1.1 200"));
  load.Notify();
  starting.join();
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_THAT(HttpGet(port, "/readyz"), HasSubstr("HTTP/1.1 200"));

  // A running decision keeps the server draining.
  engine_->Hold();
  stub_ = v1::Adaptation::NewStub(grpc::CreateChannel(
      (*server)->address(), grpc::InsecureChannelCredentials()));
  Open("a");
  std::thread acting([this] { MustAct(Request("a", 0.5)); });
  ASSERT_TRUE(engine_->AwaitRunning(1));
  std::thread stopping([&server] { (*server)->Shutdown(); });
  EXPECT_TRUE(AwaitReadyz(port, "draining"));
  EXPECT_THAT(HttpGet(port, "/readyz"), HasSubstr("HTTP/1.1 503"));
  EXPECT_THAT(HttpGet(port, "/livez"), HasSubstr("HTTP/1.1 200"));
  engine_->Release();
  acting.join();
  stopping.join();
}

TEST_F(ObservabilityTest, TheProgramProbesAServer) {
  StartServer();
  const std::string address =
      absl::StrCat("127.0.0.1:", server_->metrics_port());
  EXPECT_EQ(Probe(address).exit_code, 0);
  EXPECT_EQ(Probe(address + "/livez").exit_code, 0);
  EXPECT_EQ(Probe(address + "/nothing").exit_code, 1);
  const CommandResult grpc_port = Probe(server_->address());
  EXPECT_EQ(grpc_port.exit_code, 1);
  EXPECT_THAT(grpc_port.errors,
              HasSubstr("expected the address of --metrics-listen"));
  server_.reset();
  const CommandResult gone = Probe(address);
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.errors, HasSubstr(address));
  const CommandResult wrong = Probe("nonsense");
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("expected HOST:PORT"));
}

TEST_F(ObservabilityTest, ARequestIdIsEchoedAndLogged) {
  StartServer();
  const auto opening = Tagged("opening-1");
  v1::OpenSessionRequest open;
  open.set_session_id("0123456789abcdef");
  v1::Session session;
  ASSERT_TRUE(stub_->OpenSession(opening.get(), open, &session).ok());
  EXPECT_EQ(EchoedId(*opening), "opening-1");
  EXPECT_THAT(stderr_.Text(),
              HasSubstr(absl::StrCat("session opened id=01234567... "
                                     "model=random request_id=opening-1 "
                                     "traceparent=",
                                     kTraceparent, "\n")));

  const auto deciding = Tagged("deciding-2");
  v1::ActResponse response;
  ASSERT_TRUE(
      stub_->Act(deciding.get(), Request("0123456789abcdef", 0.5), &response)
          .ok());
  EXPECT_EQ(EchoedId(*deciding), "deciding-2");

  const auto failing = Tagged("failing-3");
  EXPECT_FALSE(
      stub_->Act(failing.get(), Request("unknown", 0.5), &response).ok());
  EXPECT_EQ(EchoedId(*failing), "failing-3");
  EXPECT_THAT(stderr_.Text(),
              AllOf(HasSubstr("INFO decision failed reason=SESSION_UNKNOWN"),
                    HasSubstr("request_id=failing-3 traceparent=00-4bf9")));
}

TEST_F(ObservabilityTest, DecisionsOfAStreamHaveItsRequestId) {
  StartServer();
  const auto context = Tagged("stream-1");
  const auto stream = stub_->Control(context.get());
  ASSERT_TRUE(stream->Write(Request("unknown", 0.5)));
  v1::ControlResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.error().reason(), "SESSION_UNKNOWN");
  EXPECT_EQ(EchoedId(*context), "stream-1");
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_THAT(stderr_.Text(), HasSubstr("request_id=stream-1"));
}

TEST_F(ObservabilityTest, AMalformedRequestIdIsNeitherEchoedNorLogged) {
  StartServer();
  const auto context = Tagged("two words");
  context->AddMetadata("traceparent", kTraceparent);  // A second one.
  v1::ActResponse response;
  EXPECT_FALSE(
      stub_->Act(context.get(), Request("unknown", 0.5), &response).ok());
  EXPECT_EQ(EchoedId(*context), "");
  EXPECT_THAT(stderr_.Text(), AllOf(HasSubstr("reason=SESSION_UNKNOWN"),
                                    Not(HasSubstr("two words")),
                                    Not(HasSubstr("traceparent"))));
}

TEST_F(ObservabilityTest, NoObservationGetsIntoTheLogOrTheMetrics) {
  StartServer();
  Open("a");
  v1::ActRequest request = Request("a", 0.123456f);
  MustAct(request);
  request.add_observation(0.123456f);  // One too many.
  EXPECT_FALSE(Act(request).ok());
  EXPECT_FALSE(Act(Request("a", 3e38f)).ok());  // Too large for the engine.
  const std::string metrics = HttpGet(server_->metrics_port(), "/metrics");
  EXPECT_THAT(stderr_.Text(), HasSubstr("reason=OBSERVATION_INVALID"));
  for (const std::string& text : {stderr_.Text(), metrics}) {
    EXPECT_THAT(text, AllOf(Not(HasSubstr("0.123")), Not(HasSubstr("3e+38")),
                            Not(HasSubstr("3e38"))));
  }
}

}  // namespace
}  // namespace foresight

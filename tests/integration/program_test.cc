// Runs foresight-server as an operator does.
#include "tests/integration/program_test.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/blocking_counter.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Occupies a port while it lives.
class TakenPort {
 public:
  TakenPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, generic, size), 0);
    EXPECT_EQ(listen(socket_, 1), 0);
    EXPECT_EQ(getsockname(socket_, generic, &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  }
  ~TakenPort() { close(socket_); }
  const std::string& address() const { return address_; }

 private:
  const int socket_;
  std::string address_;
};

TEST_F(ProgramTest, ItServesAModelUntilItIsTerminated) {
  Start(Serving({"--model", Path("random")}));
  v1::ActResponse response;
  ASSERT_TRUE(stub_->Act(Patient().get(), Request(Open()), &response).ok());
  EXPECT_EQ(response.report().outcome(), v1::ADAPTED);
  server_->Signal(SIGTERM);
  const CommandResult result = server_->Wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, "");
  EXPECT_THAT(result.errors, AllOf(HasSubstr("listening address=127.0.0.1:"),
                                   HasSubstr("INFO model loaded name=random"),
                                   HasSubstr("shutting down signal=15"),
                                   HasSubstr("INFO ended")));
  EXPECT_FALSE(std::filesystem::exists(Path("port")));
}

TEST_F(ProgramTest, ItEndsOnAnInterruptToo) {
  Start(Serving({"--model", Path("random")}));
  server_->Signal(SIGINT);
  EXPECT_EQ(server_->Wait().exit_code, 0);
}

TEST_F(ProgramTest, TerminatedUnderLoadItAnswersAcceptedCalls) {
  constexpr int kClients = 8;
  Start(Serving({"--model", Path("random")}));
  absl::BlockingCounter all_begun(kClients);
  std::atomic<int> answered = 0;
  std::vector<grpc::Status> ends(kClients);
  std::vector<int> unanswered(kClients, 0);
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      const std::string id = Open();
      if (client % 2 == 0) {
        v1::ActResponse response;
        for (int i = 0; ends[client].ok(); ++i) {
          if (i == 3) all_begun.DecrementCount();
          ends[client] = stub_->Act(Patient().get(), Request(id), &response);
          if (ends[client].ok()) ++answered;
        }
        return;
      }
      const auto context = Patient();
      const auto stream = stub_->Control(context.get());
      v1::ControlResponse response;
      for (int i = 0;; ++i) {
        if (i == 3) all_begun.DecrementCount();
        if (!stream->Write(Request(id))) break;
        ++unanswered[client];
        if (!stream->Read(&response)) break;
        --unanswered[client];
        if (response.has_error()) {
          EXPECT_EQ(response.error().reason(), "DRAINING");
          continue;
        }
        ++answered;
      }
      ends[client] = stream->Finish();
    });
  }
  all_begun.Wait();
  server_->Signal(SIGTERM);
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(server_->Wait().exit_code, 0);
  EXPECT_GE(answered, 3 * kClients);
  for (int client = 0; client < kClients; ++client) {
    // Calls are refused by the server, or because it is gone. No call is
    // dropped, which would show as CANCELLED, INTERNAL or a deadline.
    EXPECT_EQ(ends[client].error_code(), grpc::StatusCode::UNAVAILABLE)
        << ends[client].error_message();
    // At most one request crossed the server's goodbye.
    EXPECT_LE(unanswered[client], 1);
  }
}

TEST_F(ProgramTest, ASecondSignalEndsItAtOnce) {
  Start(Serving({"--model", Path("random"), "--drain-timeout", "1h"}));
  v1::AdaptationSettings settings;  // Minutes of work.
  settings.set_steps(1000);
  settings.set_particles(20000);
  settings.set_horizon(64);
  const auto context = Patient();
  const auto stream = stub_->Control(context.get());
  ASSERT_TRUE(stream->Write(Request(Open(settings))));
  // An answer shows that the server reads the stream's requests.
  ASSERT_TRUE(stream->Write(Request("nobody")));
  v1::ControlResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(response.has_error());
  server_->Signal(SIGTERM);
  // It drains once it refuses decisions.
  grpc::Status refused;
  do {
    v1::ActResponse unused;
    refused = stub_->Act(Patient().get(), Request("nobody"), &unused);
  } while (refused.error_code() == grpc::StatusCode::NOT_FOUND);
  ASSERT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  server_->Signal(SIGTERM);
  const CommandResult result = server_->Wait();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("stopping at once signal=15"));
}

TEST_F(ProgramTest, AConfigFileSetsAnyOption) {
  std::ofstream(Path("server.conf"))
      << "model = \"" << Path("random") << "\"\n"
      << "listen = \"127.0.0.1:0\"\nmetrics-listen = \"off\"\n"
      << "max-sessions = 1\n";
  Start({"--config", Path("server.conf")});
  Open();
  v1::Session session;
  EXPECT_EQ(stub_->OpenSession(Patient().get(), {}, &session).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ProgramTest, AFailedStartNamesItsCause) {
  const TakenPort taken;
  const std::string model = Path("random");
  std::filesystem::copy(model, Path("truncated"));
  std::filesystem::resize_file(Path("truncated/weights.safetensors"), 100);
  std::filesystem::copy(model, Path("unreadable"));
  std::ofstream(Path("unreadable/bundle.json")) << "{\"surprise\": 1}";
  const struct {
    std::vector<std::string> options;
    int exit_code;
    std::string named;
  } rows[] = {
      {{"--model", model, "--listen", taken.address()}, 1, taken.address()},
      {{"--model", model, "--metrics-listen", taken.address()},
       1,
       taken.address()},
      {{"--model", "/nowhere"}, 1, "/nowhere/bundle.json"},
      {{"--model", Path("truncated")}, 1, "truncated/weights.safetensors"},
      {{"--model", Path("unreadable")}, 1, "surprise"},
      {{"--model", model, "--model", model}, 1, "\\\"random\\\""},
      {{"--model", model, "--device", "cuda:99"}, 1, "cuda:99"},
      {{"--model", model, "--device", "cuda:99"}, 1, "unavailable"},
      {{"--model", model, "--engine", "fused", "--device", "cuda:0"},
       1,
       "unavailable"},
      {{"--model", model, "--engine", "autograd", "--precision", "bf16"},
       1,
       "unavailable"},
      {{"--model", model, "--port-file", "/nowhere/port"}, 1, "/nowhere/port"},
      {{"--model", model, "--device", "tpu"}, 2, "tpu"},
      {{"--model", model, "--engine", "turbo"}, 2, "turbo"},
      {{"--model", model, "--idle-timeout", "soon"}, 2, "--idle-timeout"},
      {{"--model", model, "--surprise"}, 2, "--surprise"},
      {{"--listen", "127.0.0.1:0"}, 2, "--model"},
  };
  for (const auto& row : rows) {
    // Later options win, so the row's options go last.
    std::vector<std::string> options;
    if (row.exit_code == 1) options = Serving({});
    for (const std::string& option : row.options) {
      const auto same = std::find(options.begin(), options.end(), option);
      const bool named_twice =
          same != options.end() && option != "--model" && option[0] == '-';
      if (named_twice) options.erase(same, same + 2);
      options.push_back(option);
    }
    const CommandResult result = RunCommand(Command(options));
    EXPECT_EQ(result.exit_code, row.exit_code) << result.errors;
    EXPECT_THAT(result.errors, HasSubstr(row.named));
    EXPECT_EQ(result.output, "");
  }
}

TEST_F(ProgramTest, HelpAndVersionGoToTheOutput) {
  const CommandResult help = RunCommand(Command({"--help"}));
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("--idle-timeout"));
  EXPECT_EQ(help.errors, "");
  const CommandResult version = RunCommand(Command({"--version"}));
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.output, HasSubstr("foresight-server "));
}

}  // namespace
}  // namespace foresight

// Access to the server, and ownership of sessions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "client/answer_slot.h"
#include "foresight/adaptation_client.h"
#include "grpcpp/generic/generic_stub.h"
#include "models/bundle/sha256.h"
#include "support/file.h"
#include "tests/integration/health.grpc.pb.h"
#include "tests/integration/served_test.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/http_get.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Code = grpc::StatusCode;

constexpr char kAlice[] = "alices-token";
constexpr char kBob[] = "bobs-token";
constexpr char kRoot[] = "roots-token";
constexpr char kReflection[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

std::string TokenLines() {
  return absl::StrCat("alice act ", Sha256Hex(kAlice), "\nbob act ",
                      Sha256Hex(kBob), "\nroot admin ", Sha256Hex(kRoot), "\n");
}

// A client with its own connection.
class Client {
 public:
  Client(const std::string& address,
         std::shared_ptr<grpc::ChannelCredentials> credentials,
         std::string token = "")
      : token_(std::move(token)) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channel_ = grpc::CreateCustomChannel(address, credentials, arguments);
    stub_ = v1::Adaptation::NewStub(channel_);
  }

  v1::Adaptation::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() { return channel_; }
  std::unique_ptr<grpc::ClientContext> Context() const {
    auto context = std::make_unique<grpc::ClientContext>();
    context->set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
    if (!token_.empty()) {
      context->AddMetadata("authorization", "Bearer " + token_);
    }
    return context;
  }

  grpc::Status Open(const std::string& id) {
    v1::OpenSessionRequest request;
    request.set_session_id(id);
    v1::Session session;
    return stub_->OpenSession(Context().get(), request, &session);
  }
  grpc::Status Act(const v1::ActRequest& request) {
    v1::ActResponse response;
    return stub_->Act(Context().get(), request, &response);
  }
  grpc::Status Reset(const std::string& id) {
    v1::ResetSessionRequest request;
    request.set_session_id(id);
    v1::Session session;
    return stub_->ResetSession(Context().get(), request, &session);
  }
  grpc::Status Close(const std::string& id) {
    v1::CloseSessionRequest request;
    request.set_session_id(id);
    v1::CloseSessionResponse response;
    return stub_->CloseSession(Context().get(), request, &response);
  }
  grpc::Status Export(const std::string& id,
                      v1::SessionSnapshot* snapshot = nullptr) {
    v1::ExportSessionRequest request;
    request.set_session_id(id);
    v1::SessionSnapshot unused;
    return stub_->ExportSession(Context().get(), request,
                                snapshot == nullptr ? &unused : snapshot);
  }
  grpc::Status Import(const v1::SessionSnapshot& snapshot) {
    v1::Session session;
    return stub_->ImportSession(Context().get(), snapshot, &session);
  }
  grpc::Status List() {
    v1::ListModelsResponse response;
    return stub_->ListModels(Context().get(), {}, &response);
  }
  // Sends one request over a stream. Returns the error in the answer if there
  // is one, else the stream's status.
  grpc::Status Control(const v1::ActRequest& request) {
    const auto context = Context();
    const auto stream = stub_->Control(context.get());
    stream->Write(request);
    v1::ControlResponse answer;
    const bool answered = stream->Read(&answer);
    stream->WritesDone();
    const grpc::Status status = stream->Finish();
    if (!answered || !answer.has_error()) return status;
    return {static_cast<Code>(answer.error().code()), answer.error().message()};
  }
  // Sends an empty message to any method, streaming or not.
  grpc::Status Call(const std::string& method) {
    const auto context = Context();
    grpc::CompletionQueue queue;
    const grpc::Slice empty;
    const auto call = grpc::GenericStub(channel_).PrepareUnaryCall(
        context.get(), method, grpc::ByteBuffer(&empty, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer response;
    grpc::Status status;
    call->Finish(&response, &status, this);
    void* tag;
    bool ok;
    queue.Next(&tag, &ok);
    return status;
  }

 private:
  const std::string token_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Adaptation::Stub> stub_;
};

class SecurityTest : public ServedTest {
 protected:
  // Replaces the file atomically.
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = (files_.path() / name).string();
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }

  void UseTokens() { options_.security.tokens = Write("tokens", TokenLines()); }
  void UseTls() {
    const IssuedCertificate server = authority_.IssueServer();
    options_.security.certificates.certificate =
        Write("cert", server.certificate);
    options_.security.certificates.key = Write("key", server.key);
  }
  void UseClientCertificates() {
    UseTls();
    options_.security.certificates.client_ca =
        Write("ca", client_authority_.certificate());
  }

  Client Plain(const std::string& token = "") const {
    return Client(server_->address(), grpc::InsecureChannelCredentials(),
                  token);
  }
  Client Tls(const std::string& token = "",
             const IssuedCertificate& own = {}) const {
    return Client(server_->address(), Trusting(authority_, own), token);
  }
  static std::shared_ptr<grpc::ChannelCredentials> Trusting(
      const CertificateAuthority& authority,
      const IssuedCertificate& own = {}) {
    return grpc::SslCredentials(
        {authority.certificate(), own.key, own.certificate});
  }

  std::string MetricsPage() const {
    return HttpGet(server_->metrics_port(), "/metrics");
  }
  // The number of requests that reached a handler, as the service counts them.
  double HandledRequests() const {
    double sum = 0;
    for (const absl::string_view line : absl::StrSplit(MetricsPage(), '\n')) {
      if (!absl::StartsWith(line, "foresight_requests_total{")) continue;
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &value));
      sum += value;
    }
    return sum;
  }
  static void Eventually(const std::function<bool()>& holds) {
    const absl::Time give_up = absl::Now() + kPatience;
    while (!holds()) {
      ASSERT_LT(absl::Now(), give_up);
      absl::SleepFor(absl::Milliseconds(20));
    }
  }

  const CertificateAuthority authority_{"Server CA"};
  const CertificateAuthority client_authority_{"Client CA"};
  const TemporaryFolder files_;
};

TEST_F(SecurityTest, AStrangersRequestsReachNoHandler) {
  UseTokens();
  StartServer();
  const int decisions = engine_->decisions();
  int refused = 0;
  for (const char* token : {"", "wrong-token"}) {
    Client stranger = Plain(token);
    for (const grpc::Status& status :
         {stranger.Open("a"), stranger.Act(Request("a", 0)),
          stranger.Act(v1::ActRequest()), stranger.Reset("a"),
          stranger.Close("a"), stranger.List(),
          stranger.Control(Request("a", 0)), stranger.Call(kReflection),
          stranger.Call("/foresight.v1.Adaptation/ExportSession"),
          stranger.Call("/foresight.v1.Adaptation/ImportSession"),
          stranger.Call("/foresight.v1.Admin/Drain"),
          stranger.Call("/no.such.Service/Method")}) {
      ++refused;
      EXPECT_EQ(status.error_code(), Code::UNAUTHENTICATED)
          << status.error_message();
      EXPECT_THAT(status.error_message(), Not(HasSubstr("wrong-token")));
    }
  }
  EXPECT_TRUE(AwaitMetric(
      "foresight_refusals_total{reason=\"UNAUTHENTICATED\"}", refused));
  EXPECT_EQ(HandledRequests(), 0);
  EXPECT_EQ(engine_->decisions(), decisions);
  // A request that reaches a handler changes the count.
  EXPECT_TRUE(Plain(kAlice).List().ok());
  EXPECT_EQ(HandledRequests(), 1);
}

TEST_F(SecurityTest, HealthNeedsNoTokenAndReflectionDoes) {
  UseTokens();
  StartServer();
  Client stranger = Plain();
  grpc::health::v1::HealthCheckResponse health;
  const auto probe = grpc::health::v1::Health::NewStub(stranger.channel());
  const grpc::Status status =
      probe->Check(stranger.Context().get(), {}, &health);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(health.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  EXPECT_NE(Plain(kAlice).Call(kReflection).error_code(),
            Code::UNAUTHENTICATED);
}

TEST_F(SecurityTest, AdministrationNeedsTheRoleAdmin) {
  UseTokens();
  StartServer();
  EXPECT_EQ(Plain(kAlice).Call("/foresight.v1.Admin/Drain").error_code(),
            Code::PERMISSION_DENIED);
  EXPECT_EQ(Plain(kRoot).Call("/foresight.v1.Admin/Drain").error_code(),
            Code::UNIMPLEMENTED);
}

TEST_F(SecurityTest, ASessionIsItsOpenersAlone) {
  UseTokens();
  StartServer();
  Client alice = Plain(kAlice), bob = Plain(kBob);
  ASSERT_TRUE(alice.Open("loop").ok());
  for (const grpc::Status& status :
       {bob.Act(Request("loop", 0.5f)), bob.Control(Request("loop", 0.5f)),
        bob.Reset("loop"), bob.Close("loop"), bob.Export("loop")}) {
    EXPECT_EQ(status.error_code(), Code::NOT_FOUND) << status.error_message();
  }
  // Another of her connections may continue it.
  EXPECT_TRUE(Plain(kAlice).Act(Request("loop", 0.5f, 0)).ok());
  // For him the same id is another session.
  ASSERT_TRUE(bob.Open("loop").ok());
  EXPECT_EQ(bob.Act(Request("loop", 0.5f, 1)).error_code(),
            Code::FAILED_PRECONDITION);
  ASSERT_TRUE(bob.Close("loop").ok());
  EXPECT_TRUE(alice.Act(Request("loop", 0.5f, 1)).ok());
  // Another caller who imports her snapshot gets a separate session.
  v1::SessionSnapshot snapshot;
  ASSERT_TRUE(alice.Export("loop", &snapshot).ok());
  ASSERT_TRUE(bob.Import(snapshot).ok());
  EXPECT_TRUE(bob.Act(Request("loop", 0.5f, 2)).ok());
  EXPECT_TRUE(alice.Act(Request("loop", 0.25f, 2)).ok());
}

TEST_F(SecurityTest, QuotasAreEachIdentitys) {
  UseTokens();
  options_.sessions.max_per_owner = 2;
  StartServer();
  // On separate connections.
  ASSERT_TRUE(Plain(kAlice).Open("a").ok());
  ASSERT_TRUE(Plain(kAlice).Open("b").ok());
  EXPECT_EQ(Plain(kAlice).Open("c").error_code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Plain(kBob).Open("c").ok());
}

TEST_F(SecurityTest, OverTlsATokenIsEnough) {
  UseTls();
  UseTokens();
  StartServer();
  EXPECT_TRUE(Tls(kAlice).Open("a").ok());
  EXPECT_EQ(Tls().Open("a").error_code(), Code::UNAUTHENTICATED);
}

TEST_F(SecurityTest, AStrangersHandshakeFails) {
  UseClientCertificates();
  StartServer();
  const CertificateAuthority other("Other CA");
  CertificateAuthority::Request expired;
  expired.alternative_names = "DNS:alice";
  expired.valid_to = -absl::Hours(1);
  // Refused: no certificate, one of another CA, an expired one, the server's.
  for (const IssuedCertificate& own :
       {IssuedCertificate(), other.IssueClient("alice"),
        client_authority_.Issue(expired), authority_.IssueServer()}) {
    const grpc::Status status = Tls("", own).List();
    EXPECT_EQ(status.error_code(), Code::UNAVAILABLE) << status.error_message();
  }
  EXPECT_EQ(HandledRequests(), 0);
  EXPECT_TRUE(Tls("", client_authority_.IssueClient("alice")).List().ok());
}

TEST_F(SecurityTest, AClientRefusesAServerOfAnotherCa) {
  UseTls();
  StartServer();
  const CertificateAuthority other("Other CA");
  EXPECT_EQ(Client(server_->address(), Trusting(other)).List().error_code(),
            Code::UNAVAILABLE);
  EXPECT_TRUE(Tls().List().ok());
}

TEST_F(SecurityTest, PlainTextToATlsPortAndTlsToAPlainOneFail) {
  {
    SCOPED_TRACE("plain client");
    UseTls();
    StartServer();
    EXPECT_EQ(Plain().List().error_code(), Code::UNAVAILABLE);
    EXPECT_TRUE(Tls().List().ok());
  }
  server_.reset();
  options_.security.certificates.certificate =
      options_.security.certificates.key = "";
  StartServer();
  EXPECT_EQ(Tls().List().error_code(), Code::UNAVAILABLE);
  EXPECT_TRUE(Plain().List().ok());
}

TEST_F(SecurityTest, ACertificatesFirstNameIsTheIdentity) {
  UseClientCertificates();
  StartServer();
  CertificateAuthority::Request request;
  request.common_name = "bob";
  request.alternative_names = "DNS:alice,DNS:carol";
  const IssuedCertificate alice = client_authority_.Issue(request);
  ASSERT_TRUE(Tls("", alice).Open("loop").ok());
  // A renewed certificate is still the same caller.
  EXPECT_TRUE(Tls("", client_authority_.IssueClient("alice"))
                  .Act(Request("loop", 0.5f, 0))
                  .ok());
  // Only the first alternative name counts, not the second or the common name.
  for (const char* name : {"bob", "carol"}) {
    EXPECT_EQ(Tls("", client_authority_.IssueClient(name))
                  .Act(Request("loop", 0.5f, 1))
                  .error_code(),
              Code::NOT_FOUND);
  }
  // Without alternative names the common name counts.
  request.common_name = "alice";
  request.alternative_names = "";
  EXPECT_TRUE(Tls("", client_authority_.Issue(request))
                  .Act(Request("loop", 0.5f, 1))
                  .ok());
}

TEST_F(SecurityTest, ACertificateThatNamesNobodyIsRefused) {
  UseClientCertificates();
  StartServer();
  const grpc::Status status = Tls("", client_authority_.Issue({})).Open("a");
  EXPECT_EQ(status.error_code(), Code::UNAUTHENTICATED);
  EXPECT_THAT(status.error_message(), HasSubstr("has no name"));
  EXPECT_EQ(HandledRequests(), 0);
}

TEST_F(SecurityTest, WithClientCaAndTokensBothAreRequired) {
  UseClientCertificates();
  UseTokens();
  StartServer();
  const IssuedCertificate host = client_authority_.IssueClient("host");
  EXPECT_EQ(Tls("", host).Open("a").error_code(), Code::UNAUTHENTICATED);
  EXPECT_EQ(Tls(kAlice).Open("a").error_code(), Code::UNAVAILABLE);
  ASSERT_TRUE(Tls(kAlice, host).Open("a").ok());
  // The token gives the identity.
  EXPECT_EQ(Tls(kBob, host).Act(Request("a", 0.5f)).error_code(),
            Code::NOT_FOUND);
  EXPECT_TRUE(Tls(kAlice, client_authority_.IssueClient("other host"))
                  .Act(Request("a", 0.5f))
                  .ok());
}

TEST_F(SecurityTest, TokensAreReplacedWhileServing) {
  UseTokens();
  StartServer();
  ASSERT_TRUE(Plain(kAlice).Open("a").ok());
  Write("tokens", absl::StrCat("alice act ", Sha256Hex("new-token"), "\n"));
  Eventually([&] { return Plain("new-token").List().ok(); });
  EXPECT_EQ(Plain(kAlice).List().error_code(), Code::UNAUTHENTICATED);
  // She still has her session.
  EXPECT_TRUE(Plain("new-token").Act(Request("a", 0.5f)).ok());
  // A malformed file changes nothing; a good one afterwards does.
  Write("tokens", "alice act\n");
  absl::SleepFor(absl::Seconds(3));
  EXPECT_TRUE(Plain("new-token").List().ok());
  Write("tokens", TokenLines());
  Eventually([&] { return Plain(kAlice).List().ok(); });
}

TEST_F(SecurityTest, AStreamStopsDecidingWhenItsTokenIsWithdrawn) {
  UseTokens();
  StartServer();
  Client alice = Plain(kAlice);
  ASSERT_TRUE(alice.Open("a").ok());
  const auto context = alice.Context();
  const auto stream = alice.stub().Control(context.get());
  v1::ControlResponse answer;
  const auto ask = [&] {
    EXPECT_TRUE(stream->Write(Request("a", 0.5f)));
    EXPECT_TRUE(stream->Read(&answer));
    return answer.error().code();
  };
  EXPECT_EQ(ask(), Code::OK);
  Write("tokens", absl::StrCat("bob act ", Sha256Hex(kBob), "\n"));
  Eventually([&] { return ask() == Code::UNAUTHENTICATED; });
  EXPECT_EQ(answer.error().reason(), "UNAUTHENTICATED");
  // The stream is still usable.
  Write("tokens", TokenLines());
  Eventually([&] { return ask() == Code::OK; });
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(SecurityTest, AClientsStreamGoesOnWithItsNewToken) {
  UseTokens();
  StartServer();
  AdaptationClient::Options connect;
  connect.security.token_file = Write("alice.token", kAlice);
  const auto client = AdaptationClient::Connect(server_->address(), connect);
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(Plain(kAlice).Open("a").ok());
  const auto stream = client->OpenReconnectingStream();
  uint64_t index = 0;
  const auto act = [&] {
    AnswerSlot slot;
    stream->Send(Request("a", 0.5f, index), [&](ControlStream::Answer answer) {
      slot.Give(std::move(answer));
    });
    const auto answer = *slot.Await(SteadyTime::max());
    if (answer.ok()) ++index;
    return answer.status();
  };
  EXPECT_EQ(act(), absl::OkStatus());
  // The proper way: the server accepts both tokens until the client switches.
  const std::string next =
      absl::StrCat("alice act ", Sha256Hex("next-token"), "\n");
  Write("tokens", next + TokenLines());
  Write("alice.token", "next-token");
  Eventually([&] { return Plain("next-token").List().ok(); });
  EXPECT_EQ(act(), absl::OkStatus());
  EXPECT_EQ(stream->reconnects(), 0);
  Write("tokens", next);
  Eventually([&] {
    const absl::Status status = act();
    EXPECT_TRUE(status.ok() || absl::IsUnavailable(status)) << status;
    return stream->reconnects() > 0 && status.ok();
  });
}

TEST_F(SecurityTest, CertificatesAreReplacedWhileServing) {
  UseClientCertificates();
  StartServer();
  const IssuedCertificate alice = client_authority_.IssueClient("alice");
  Client old = Tls("", alice);
  ASSERT_TRUE(old.List().ok());
  // A broken pair is counted, and the good one stays in use.
  const std::string good_key =
      *ReadFile(options_.security.certificates.key, 1 << 20);
  Write("key", authority_.IssueServer().key);
  EXPECT_TRUE(AwaitMetric("foresight_certificate_reload_failures_total", 1));
  EXPECT_TRUE(Tls("", alice).List().ok());
  // Certificate, key and CA are all replaced by another authority's.
  const CertificateAuthority next("Next CA"), next_clients("Next client CA");
  const IssuedCertificate server = next.IssueServer();
  Write("cert", server.certificate);
  Write("key", server.key);
  Write("ca", next_clients.certificate());
  const auto connect = [&](const CertificateAuthority& authority,
                           const CertificateAuthority& clients) {
    return Client(server_->address(),
                  Trusting(authority, clients.IssueClient("alice")))
        .List();
  };
  Eventually([&] { return connect(next, next_clients).ok(); });
  EXPECT_EQ(connect(authority_, client_authority_).error_code(),
            Code::UNAVAILABLE);
  EXPECT_EQ(connect(next, client_authority_).error_code(), Code::UNAVAILABLE);
  // An open connection continues.
  EXPECT_TRUE(old.List().ok());
}

TEST_F(SecurityTest, AFolderOfCertificatesMayBeSwappedByItsLink) {
  const auto fill = [&](const std::string& folder,
                        const CertificateAuthority& authority) {
    std::filesystem::create_directory(files_.path() / folder);
    const IssuedCertificate server = authority.IssueServer();
    Write(folder + "/tls.crt", server.certificate);
    Write(folder + "/tls.key", server.key);
  };
  const CertificateAuthority next("Next CA");
  fill("first", authority_);
  fill("second", next);
  const auto link = files_.path() / "current";
  std::filesystem::create_directory_symlink("first", link);
  options_.security.certificates.certificate = (link / "tls.crt").string();
  options_.security.certificates.key = (link / "tls.key").string();
  StartServer();
  ASSERT_TRUE(Tls().List().ok());
  std::filesystem::create_directory_symlink("second", files_.path() / "next");
  std::filesystem::rename(files_.path() / "next", link);
  Eventually(
      [&] { return Client(server_->address(), Trusting(next)).List().ok(); });
}

TEST_F(SecurityTest, TheExpiryIsAMetricWithTlsAlone) {
  UseTls();
  StartServer();
  const absl::Time tomorrow = absl::Now() + absl::Hours(24);
  double expiry = 0;
  for (const absl::string_view line : absl::StrSplit(MetricsPage(), '\n')) {
    if (!absl::StartsWith(line, "foresight_certificate_expiry_seconds ")) {
      continue;
    }
    EXPECT_TRUE(absl::SimpleAtod(line.substr(line.rfind(' ') + 1), &expiry));
  }
  EXPECT_NEAR(expiry, absl::ToUnixSeconds(tomorrow), 600);
  server_.reset();
  options_.security.certificates.certificate =
      options_.security.certificates.key = "";
  StartServer();
  EXPECT_THAT(MetricsPage(), Not(HasSubstr("certificate_expiry_seconds")));
}

TEST_F(SecurityTest, AFailedStartNamesTheFile) {
  const auto start = [&] {
    return std::string(
        Server::Start(options_, "test", [this](auto) { return engine_; })
            .status()
            .message());
  };
  options_.listen = "0.0.0.0:0";
  EXPECT_THAT(start(), HasSubstr("--insecure"));
  UseTokens();
  EXPECT_THAT(start(), HasSubstr("--insecure"));
  options_.security.tokens = Write("tokens", "alice act\n");
  options_.listen = "127.0.0.1:0";
  EXPECT_THAT(start(), HasSubstr("line 1 "));
  options_.security.tokens = "";
  UseTls();
  Write("key", authority_.IssueServer().key);
  EXPECT_THAT(start(), HasSubstr(options_.security.certificates.key +
                                 " is not the key of"));
}

TEST_F(SecurityTest, ItListensEverywhereWithTlsOrInsecure) {
  options_.listen = "0.0.0.0:0";
  options_.insecure = true;
  StartServer();
  server_.reset();
  options_.insecure = false;
  UseTls();
  StartServer();
}

}  // namespace
}  // namespace foresight

// Runs the client's programs over TLS with a token, which must not leak.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "models/bundle/sha256.h"
#include "support/file.h"
#include "tests/integration/served_test.h"
#include "tests/support/certificate_authority.h"
#include "tests/support/http_get.h"
#include "tests/support/run_command.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kToken[] = "the-secret-of-this-test";
constexpr char kWrong[] = "another-secret-of-this-test";
constexpr char kPrograms[] = FORESIGHT_BUILD_DIR "/bin/";

class ProgramsSecurityTest : public ServedTest {
 protected:
  ProgramsSecurityTest() {
    options_.models = {FORESIGHT_SOURCE_DIR
                       "/tests/data/reference-halfcheetah"};
    const IssuedCertificate server = authority_.IssueServer();
    options_.security.certificates.certificate =
        Write("server.pem", server.certificate);
    options_.security.certificates.key = Write("server.key", server.key);
    options_.security.tokens =
        Write("tokens", absl::StrCat("alice act ", Sha256Hex(kToken), "\n"));
    ca_ = Write("ca.pem", authority_.certificate());
    token_ = Write("token", kToken);
    wrong_ = Write("wrong", kWrong);
  }

  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = (files_.path() / name).string();
    EXPECT_TRUE(WriteFileAtomically(path, text).ok());
    return path;
  }
  // Runs a program and keeps its output.
  CommandResult Run(const std::string& program,
                    std::vector<std::string> options) {
    options.insert(options.begin(), kPrograms + program);
    const CommandResult result = RunCommand(options);
    absl::StrAppend(&said_, result.output, result.errors);
    return result;
  }
  void ExpectNoSecretIn(const std::string& text) {
    for (const char* secret : {kToken, kWrong}) {
      EXPECT_THAT(text, Not(HasSubstr(secret)));
      EXPECT_THAT(text, Not(HasSubstr(Sha256Hex(secret))));
    }
  }

  const CertificateAuthority authority_{"Test CA"};
  const TemporaryFolder files_;
  std::string ca_, token_, wrong_;
  std::string said_;
};

TEST_F(ProgramsSecurityTest, TheExamplesPlayOverTlsWithAToken) {
  StartServer("fused");
  const std::string& address = server_->address();
  const CommandResult episode = Run("one_episode", {address, ca_, token_});
  EXPECT_EQ(episode.exit_code, 0) << episode.errors;
  const CommandResult loop = Run("robot_loop", {address, "20", ca_, token_});
  EXPECT_EQ(loop.exit_code, 0) << loop.errors;
  // It is refused with a wrong token, and without TLS and a token.
  const CommandResult refused = Run("one_episode", {address, ca_, wrong_});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.errors, HasSubstr("UNAUTHENTICATED"));
  EXPECT_EQ(Run("one_episode", {address}).exit_code, 1);
}

TEST_F(ProgramsSecurityTest, NoTokenIsInALogAMetricOrAReport) {
  const CertificateAuthority clients("Client CA");
  const IssuedCertificate own = clients.IssueClient("farm");
  options_.security.certificates.client_ca =
      Write("clients.pem", clients.certificate());
  const std::string json = (files_.path() / "report.json").string();
  testing::internal::CaptureStderr();
  StartServer("fused");
  const auto command = [&](std::vector<std::string> more) {
    more.insert(more.end(),
                {"--server", server_->address(), "--tls-ca", ca_, "--tls-cert",
                 Write("own.pem", own.certificate), "--tls-key",
                 Write("own.key", own.key), "--json", json});
    return more;
  };
  const CommandResult run = Run(
      "foresight-run",
      command({"--token-file", token_, "--episodes", "1", "--max-steps", "5"}));
  const std::string run_report = *ReadFile(json, 1 << 20);
  const CommandResult load =
      Run("foresight-load",
          command({"--token-file", token_, "--sessions", "2", "--duration",
                   "500ms", "--warm-up", "0s", "--stream"}));
  const std::string load_report = *ReadFile(json, 1 << 20);
  const CommandResult wrong =
      Run("foresight-load", command({"--token-file", wrong_}));
  // By mistake a token stands in the place of the name.
  Write("tokens", absl::StrCat(kToken, " act\n"));
  absl::SleepFor(absl::Seconds(3));
  const std::string page = HttpGet(server_->metrics_port(), "/metrics");
  server_.reset();
  const std::string log = testing::internal::GetCapturedStderr();

  EXPECT_EQ(run.exit_code, 0) << run.errors;
  EXPECT_EQ(load.exit_code, 0) << load.errors;
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.errors, HasSubstr("the token is not known"));
  EXPECT_THAT(log, HasSubstr("session opened"));
  EXPECT_THAT(log, HasSubstr("tokens refused"));
  EXPECT_THAT(page, HasSubstr("reason=\"UNAUTHENTICATED\""));
  for (const std::string& text : {said_, run_report, load_report, page, log}) {
    EXPECT_NE(text, "");
    ExpectNoSecretIn(text);
  }
}

}  // namespace
}  // namespace foresight

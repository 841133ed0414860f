#include "server/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace foresight {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::variant<ServerOptions, EarlyExit> Parse(std::vector<std::string> words) {
  std::vector<const char*> argv = {"foresight-server"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return ParseOptions(argv.size(), argv.data(), "1.2.3");
}

ServerOptions Options(std::vector<std::string> words) {
  const auto parsed = Parse(std::move(words));
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<ServerOptions>(parsed);
}

EarlyExit Exit(std::vector<std::string> words) {
  const auto parsed = Parse(std::move(words));
  if (std::holds_alternative<ServerOptions>(parsed)) {
    ADD_FAILURE() << "parsed";
    return {};
  }
  return std::get<EarlyExit>(parsed);
}

TEST(OptionsTest, OnlyAModelIsRequired) {
  const ServerOptions options = Options({"--model", "a"});
  EXPECT_THAT(options.models, ElementsAre("a"));
  EXPECT_EQ(options.listen, "127.0.0.1:50051");
  EXPECT_EQ(options.metrics_listen, "127.0.0.1:9464");
  EXPECT_EQ(options.engine.device, "cpu");
  EXPECT_EQ(options.engine.kind, EngineKind::kAuto);
  EXPECT_EQ(options.engine.precision, fused::Precision::kFloat32);
  EXPECT_EQ(options.journal.durability, Durability::kInterval);
  EXPECT_EQ(options.sessions.max_sessions, 1024u);
  EXPECT_EQ(options.operations.idle_timeout, absl::Seconds(60));
  EXPECT_EQ(options.streams.max_message_bytes, 1u << 20);
}

TEST(OptionsTest, EveryOptionIsTaken) {
  const ServerOptions options = Options({"--model",   "a",
                                         "--model=b", "--listen",
                                         "[::1]:0",   "--metrics-listen",
                                         "off",       "--port-file",
                                         "p",         "--device",
                                         "cuda:1",    "--engine",
                                         "autograd",  "--precision",
                                         "bf16",      "--threads",
                                         "3",         "--max-sessions",
                                         "4",         "--idle-timeout",
                                         "1m30s",     "--max-queue",
                                         "5",         "--max-stream-in-flight",
                                         "6",         "--max-message-size",
                                         "70000",     "--max-samples",
                                         "8",         "--answer-margin",
                                         "2ms",       "--shutdown-notice",
                                         "0",         "--drain-timeout",
                                         "7s"});
  EXPECT_THAT(options.models, ElementsAre("a", "b"));
  EXPECT_EQ(options.listen, "[::1]:0");
  EXPECT_EQ(options.metrics_listen, "off");
  EXPECT_EQ(options.port_file, "p");
  EXPECT_EQ(options.engine.device, "cuda:1");
  EXPECT_EQ(options.engine.kind, EngineKind::kAutograd);
  EXPECT_EQ(options.engine.precision, fused::Precision::kBfloat16);
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.sessions.max_sessions, 4u);
  EXPECT_EQ(options.operations.idle_timeout, absl::Seconds(90));
  EXPECT_EQ(options.scheduler.queue.max_size, 5u);
  EXPECT_EQ(options.streams.max_in_flight, 6u);
  EXPECT_EQ(options.streams.max_message_bytes, 70000u);
  EXPECT_EQ(options.requests.max_samples, 8);
  EXPECT_EQ(options.decisions.answer_margin, absl::Milliseconds(2));
  EXPECT_EQ(options.shutdown_notice, absl::ZeroDuration());
  EXPECT_EQ(options.drain_timeout, absl::Seconds(7));
}

TEST(OptionsTest, AProbeNeedsNoModel) {
  const auto parsed = Parse({"--probe", "127.0.0.1:9464"});
  ASSERT_TRUE(std::holds_alternative<ServerOptions>(parsed));
  EXPECT_EQ(std::get<ServerOptions>(parsed).probe, "127.0.0.1:9464");
  EXPECT_EQ(Exit({"--log-format", "json"}).code, 2);
}

TEST(OptionsTest, TheLogMayBeJson) {
  EXPECT_EQ(Options({"--model", "a"}).log_format, LogFormat::kText);
  EXPECT_EQ(Options({"--model", "a", "--log-format", "json"}).log_format,
            LogFormat::kJson);
}

TEST(OptionsTest, TheSecurityOptionsAreTaken) {
  const ServerOptions options =
      Options({"--model", "a", "--listen", "0.0.0.0:1", "--tls-cert", "c",
               "--tls-key", "k", "--tls-client-ca", "ca", "--tokens", "t"});
  EXPECT_EQ(options.security.certificates.certificate, "c");
  EXPECT_EQ(options.security.certificates.key, "k");
  EXPECT_EQ(options.security.certificates.client_ca, "ca");
  EXPECT_EQ(options.security.tokens, "t");
  EXPECT_FALSE(options.insecure);
  EXPECT_TRUE(Options({"--model", "a", "--listen", "0.0.0.0:1", "--insecure"})
                  .insecure);
}

TEST(OptionsTest, PlainTextLeavesTheMachineOnlyByOrder) {
  for (const char* listen : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1"}) {
    for (const std::vector<std::string>& more :
         {std::vector<std::string>(), {"--tokens", "t"}}) {
      std::vector<std::string> words = {"--model", "a", "--listen", listen};
      words.insert(words.end(), more.begin(), more.end());
      const EarlyExit exit = Exit(words);
      EXPECT_EQ(exit.code, 2);
      EXPECT_THAT(exit.text, HasSubstr(listen));
      EXPECT_THAT(exit.text, HasSubstr("--insecure"));
    }
  }
  // Metrics may listen anywhere.
  Options({"--model", "a", "--metrics-listen", "0.0.0.0:1"});
}

TEST(OptionsTest, TheOptionsForAdministratorsAreTaken) {
  EXPECT_EQ(Options({"--model", "a"}).admin_listen, "off");
  const ServerOptions options =
      Options({"--model", "a", "--admin-listen", "127.0.0.1:1", "--model-root",
               "models", "--max-models", "3"});
  EXPECT_EQ(options.admin_listen, "127.0.0.1:1");
  EXPECT_EQ(options.model_root, "models");
  EXPECT_EQ(options.registry.max_generations, 3u);
}

TEST(OptionsTest, NobodyElseBecomesAnAdministrator) {
  const struct {
    std::vector<std::string> words;
    const char* refused;  // Null: taken.
  } rows[] = {
      {{"--admin-listen", "127.0.0.1:1"}, nullptr},
      {{"--admin-listen", "[::1]:1", "--tls-cert", "c", "--tls-key", "k"},
       nullptr},
      {{"--admin-listen", "0.0.0.0:1"}, "in plain text"},
      {{"--admin-listen", "0.0.0.0:1", "--tokens", "t"}, "in plain text"},
      {{"--admin-listen", "0.0.0.0:1", "--insecure"}, "or --tokens"},
      {{"--admin-listen", "0.0.0.0:1", "--tls-cert", "c", "--tls-key", "k"},
       "or --tokens"},
      {{"--admin-listen", "127.0.0.1:1", "--tls-cert", "c", "--tls-key", "k",
        "--tls-client-ca", "ca"},
       "certificates have no roles"},
      {{"--admin-listen", "0.0.0.0:1", "--tls-cert", "c", "--tls-key", "k",
        "--tls-client-ca", "ca", "--tokens", "t"},
       nullptr},
      {{"--admin-listen", "0.0.0.0:1", "--insecure", "--tokens", "t"}, nullptr},
      {{"--model-root", "models"}, "expected --admin-listen too"},
  };
  for (const auto& row : rows) {
    std::vector<std::string> words = {"--model", "a"};
    words.insert(words.end(), row.words.begin(), row.words.end());
    if (row.refused == nullptr) {
      Options(words);
      continue;
    }
    const EarlyExit exit = Exit(words);
    EXPECT_EQ(exit.code, 2);
    EXPECT_THAT(exit.text, HasSubstr(row.refused));
  }
}

TEST(OptionsTest, AFileThatAnotherOneNeedsIsNamed) {
  EXPECT_THAT(Exit({"--model", "a", "--tls-cert", "c"}).text,
              HasSubstr("--tls-key is missing"));
  EXPECT_THAT(Exit({"--model", "a", "--tls-key", "k"}).text,
              HasSubstr("--tls-cert is missing"));
  EXPECT_THAT(Exit({"--model", "a", "--tls-client-ca", "c"}).text,
              HasSubstr("--tls-client-ca is given without TLS"));
}

TEST(OptionsTest, AWrongValueIsNamed) {
  const struct {
    std::vector<std::string> words;
    const char* named;
    const char* explained;
  } rows[] = {
      {{"--listen", "50051"}, "--listen", "HOST:PORT"},
      {{"--listen", "localhost:99999"}, "--listen", "HOST:PORT"},
      {{"--listen", "off"}, "--listen", "HOST:PORT"},
      {{"--metrics-listen", "none"}, "--metrics-listen", "HOST:PORT or off"},
      {{"--admin-listen", "none"}, "--admin-listen", "HOST:PORT or off"},
      {{"--max-models", "0"}, "--max-models", "range 1 to"},
      {{"--log-format", "xml"}, "--log-format", "json"},
      {{"--device", "tpu"}, "--device", "cpu or cuda:N"},
      {{"--device", "cuda:-1"}, "--device", "cpu or cuda:N"},
      {{"--engine", "turbo"}, "--engine", "autograd"},
      {{"--precision", "float16"}, "--precision", "bf16"},
      {{"--threads", "-1"}, "--threads", "range 0 to"},
      {{"--threads", "two"}, "--threads", "two"},
      {{"--max-sessions", "0"}, "--max-sessions", "range 1 to"},
      {{"--max-sessions", "-1"}, "--max-sessions", "range 1 to"},
      {{"--max-message-size", "9"}, "--max-message-size", "range 1024 to"},
      {{"--idle-timeout", "60"}, "--idle-timeout", "a duration such as 60s"},
      {{"--idle-timeout", "0s"}, "--idle-timeout", "at least 1ms"},
      {{"--drain-timeout", "-1s"}, "--drain-timeout", "at least 0"},
      {{"--modle", "b"}, "--modle", "not expected"},
      {{"stray"}, "stray", "not expected"},
      {{"--listen"}, "--listen", "required"},
  };
  for (const auto& row : rows) {
    std::vector<std::string> words = {"--model", "a"};
    words.insert(words.end(), row.words.begin(), row.words.end());
    const EarlyExit exit = Exit(words);
    EXPECT_EQ(exit.code, 2) << exit.text;
    EXPECT_THAT(exit.text,
                AllOf(HasSubstr(row.named), HasSubstr(row.explained)));
  }
}

TEST(OptionsTest, AMissingModelIsNamed) {
  const EarlyExit exit = Exit({});
  EXPECT_EQ(exit.code, 2);
  EXPECT_THAT(exit.text, HasSubstr("--model is required"));
}

TEST(OptionsTest, HelpShowsTheDefaults) {
  const EarlyExit exit = Exit({"--help"});
  EXPECT_EQ(exit.code, 0);
  for (const char* text :
       {"--model", "--listen", "127.0.0.1:50051", "--metrics-listen",
        "127.0.0.1:9464", "--max-sessions", "1024", "--idle-timeout", "=1m",
        "--engine", "auto", "--config", "--drain-timeout", "=5s"}) {
    EXPECT_THAT(exit.text, HasSubstr(text));
  }
}

TEST(OptionsTest, TheVersionIsPrinted) {
  const EarlyExit exit = Exit({"--version"});
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(exit.text, "foresight-server 1.2.3\n");
}

class ConfigFileTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& text) const {
    const auto path = folder_.path() / "server.conf";
    std::ofstream(path) << text;
    return path.string();
  }

  TemporaryFolder folder_;
};

TEST_F(ConfigFileTest, ItsFieldsAreNamedAsTheOptions) {
  const ServerOptions options = Options({"--config", Write(R"(# A comment.
model = ["a", "b"]
listen = "127.0.0.1:7"
idle-timeout = 5s
max-sessions = 9
)")});
  EXPECT_THAT(options.models, ElementsAre("a", "b"));
  EXPECT_EQ(options.listen, "127.0.0.1:7");
  EXPECT_EQ(options.operations.idle_timeout, absl::Seconds(5));
  EXPECT_EQ(options.sessions.max_sessions, 9u);
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  const ServerOptions options = Options(
      {"--config", Write("model = a\nthreads = 3\n"), "--threads", "4"});
  EXPECT_THAT(options.models, ElementsAre("a"));
  EXPECT_EQ(options.threads, 4);
}

TEST_F(ConfigFileTest, AWrongFieldIsNamed) {
  EXPECT_THAT(Exit({"--config", Write("model = a\nmax-session = 9\n")}).text,
              HasSubstr("max-session"));
  const EarlyExit wrong =
      Exit({"--config", Write("model = a\nmax-sessions = many\n")});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.text, AllOf(HasSubstr("max-sessions"), HasSubstr("many")));
}

TEST_F(ConfigFileTest, AMissingFileIsNamed) {
  const EarlyExit exit =
      Exit({"--model", "a", "--config", "/nowhere/server.conf"});
  EXPECT_EQ(exit.code, 2);
  EXPECT_THAT(exit.text, HasSubstr("/nowhere/server.conf"));
}

TEST(OptionsTest, StateIsKeptInAFolderOrInAStoreButNotInBoth) {
  EXPECT_EQ(Options({"--model", "a", "--state-dir", "d"}).state_dir, "d");
  const ServerOptions shared = Options(
      {"--model", "a", "--state", "rediss://:word@store:1", "--state-tls-ca",
       "ca.pem", "--durability", "each", "--store-timeout", "20ms"});
  EXPECT_EQ(shared.state, "rediss://:word@store:1");
  EXPECT_EQ(shared.state_tls_ca, "ca.pem");
  EXPECT_EQ(shared.journal.store_timeout, absl::Milliseconds(20));
  EXPECT_EQ(
      Exit({"--model", "a", "--state-dir", "d", "--state", "redis://store"})
          .code,
      2);
  EXPECT_EQ(Exit({"--model", "a", "--state-tls-ca", "ca.pem"}).code, 2);
  const EarlyExit wrong = Exit({"--model", "a", "--state", "store:6379"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.text, HasSubstr("expected redis://"));
}

}  // namespace
}  // namespace foresight

#include "server/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <sstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "server/durability/durability.h"
#include "server/durability/redis_address.h"
#include "server/security/certificates.h"
#include "support/loopback.h"
#include "support/status_macros.h"

namespace foresight {
namespace {

constexpr int kUsageError = 2;

// Adds an option such as "60s", "1m30s" or "250ms", at least `least`.
void AddDuration(CLI::App& app, const std::string& name, absl::Duration least,
                 const std::string& help, absl::Duration* value) {
  const auto parse = [name, least, value](const std::string& text) {
    absl::Duration parsed;
    if (!absl::ParseDuration(text, &parsed) || parsed < least) {
      throw CLI::ValidationError(
          name,
          absl::StrCat("got ", text, ", expected a duration such as 60s, ",
                       "at least ", absl::FormatDuration(least)));
    }
    *value = parsed;
  };
  app.add_option_function<std::string>(name, parse, help)
      ->default_str(absl::FormatDuration(*value))
      ->type_name("DURATION");
}

template <typename Number>
void AddNumber(CLI::App& app, const std::string& name, int64_t least,
               const std::string& help, Number* value) {
  // Compared as signed numbers: CLI11 would read -1 as the largest unsigned
  // number.
  const auto most = static_cast<int64_t>(std::min<uint64_t>(
      std::numeric_limits<Number>::max(), std::numeric_limits<int64_t>::max()));
  app.add_option(name, *value, help)
      ->capture_default_str()
      ->check(CLI::Range(least, most).description(absl::StrCat(">= ", least)));
}

// Adds an option whose text names one of `choices`.
template <typename Value>
void AddChoice(CLI::App& app, const std::string& name,
               const std::vector<std::pair<std::string, Value>>& choices,
               const std::string& help, Value* value) {
  std::vector<std::string> names;
  std::string initial;
  for (const auto& [text, choice] : choices) {
    names.push_back(text);
    if (choice == *value) initial = text;
  }
  const auto choose = [choices, value](const std::string& chosen) {
    for (const auto& [text, choice] : choices) {
      if (text == chosen) *value = choice;
    }
  };
  app.add_option_function<std::string>(name, choose, help)
      ->default_str(initial)
      ->check(CLI::IsMember(names));
}

template <typename Value>
std::vector<std::pair<std::string, Value>> Named(std::vector<Value> values) {
  std::vector<std::pair<std::string, Value>> choices;
  for (const Value value : values) choices.emplace_back(NameOf(value), value);
  return choices;
}

// Accepts "HOST:PORT", or `word` if it is not empty.
CLI::Validator Address(const std::string& word) {
  return CLI::Validator(
      [word](const std::string& text) -> std::string {
        const size_t colon = text.rfind(':');
        int port;
        const bool fits = colon != std::string::npos && colon > 0 &&
                          absl::SimpleAtoi(text.substr(colon + 1), &port) &&
                          port >= 0 && port <= 65535;
        if (fits || (!word.empty() && text == word)) return "";
        return absl::StrCat("got ", text, ", expected HOST:PORT",
                            word.empty() ? "" : " or ", word);
      },
      "HOST:PORT");
}

CLI::Validator Device() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        absl::string_view index = text;
        int number;
        if (text == "cpu" ||
            (absl::ConsumePrefix(&index, "cuda:") &&
             absl::SimpleAtoi(index, &number) && number >= 0)) {
          return "";
        }
        return absl::StrCat("got ", text, ", expected cpu or cuda:N");
      },
      "cpu|cuda:N");
}

void DefineServing(CLI::App& app, ServerOptions& options) {
  CLI::Option* model =
      app.add_option("--model", options.models,
                     "Folder of a model bundle; may be given several times")
          ->required()
          ->allow_extra_args(false)
          ->type_name("DIR");
  app.add_option_function<std::string>(
         "--probe",
         [model, &options](const std::string& target) {
           options.probe = target;
           model->required(false);  // Nothing is served.
         },
         "Serve nothing; exit 0 if the server with this metrics address is "
         "ready, else 1 (HOST:PORT/livez: if it is alive)")
      ->type_name("HOST:PORT[/PATH]");
  app.add_option("--listen", options.listen,
                 "Address to serve on; with port 0 the system chooses one")
      ->capture_default_str()
      ->check(Address(""));
  app.add_option("--metrics-listen", options.metrics_listen,
                 "Address of /metrics, /livez and /readyz, or off")
      ->capture_default_str()
      ->check(Address("off"));
  app.add_option("--admin-listen", options.admin_listen,
                 "Address of administration (proto/admin.proto), or off")
      ->capture_default_str()
      ->check(Address("off"));
  app.add_option("--model-root", options.model_root,
                 "Folder below which administrators may load models")
      ->type_name("DIR");
  app.add_option("--port-file", options.port_file,
                 "File to write the chosen HOST:PORT to when ready")
      ->type_name("FILE");
  AddChoice<LogFormat>(app, "--log-format",
                       {{"text", LogFormat::kText}, {"json", LogFormat::kJson}},
                       "Format of the log on stderr; json: one object per line",
                       &options.log_format);
  app.add_option("--device", options.engine.device,
                 "Device that adaptation runs on")
      ->capture_default_str()
      ->check(Device());
  AddChoice(app, "--engine",
            Named<EngineKind>(
                {EngineKind::kAuto, EngineKind::kFused, EngineKind::kAutograd}),
            "Engine that computes adaptation; auto: the fastest available",
            &options.engine.kind);
  AddChoice(app, "--precision",
            Named<fused::Precision>(
                {fused::Precision::kFloat32, fused::Precision::kBfloat16}),
            "bf16: multiply the world model in bfloat16 (engine fused)",
            &options.engine.precision);
  AddNumber(app, "--threads", 0,
            "Threads that adapt; 0: one per available core, or one with a GPU",
            &options.threads);
}

void DefineSecurity(CLI::App& app, ServerOptions& options) {
  CertificateFiles& files = options.security.certificates;
  const auto add_file = [&app](const char* name, std::string* path,
                               const char* help) {
    app.add_option(name, *path, help)->type_name("FILE");
  };
  add_file("--tls-cert", &files.certificate,
           "Serve over TLS with this chain of certificates (PEM, the server's "
           "first); read again when replaced");
  add_file("--tls-key", &files.key, "Private key of --tls-cert (PEM)");
  add_file("--tls-client-ca", &files.client_ca,
           "Require client certificates that these CAs signed (PEM)");
  add_file("--tokens", &options.security.tokens,
           "Require bearer tokens, listed here in lines 'name act|admin "
           "sha256-of-token'; read again when replaced");
  app.add_flag("--insecure", options.insecure,
               "Listen in plain text on addresses that other machines can "
               "reach");
}

void DefineLimits(CLI::App& app, ServerOptions& options) {
  AddNumber(app, "--max-models", 1,
            "Models in memory at once, including replaced ones that sessions "
            "still use",
            &options.registry.max_generations);
  AddNumber(app, "--max-sessions", 1, "Sessions open at once",
            &options.sessions.max_sessions);
  AddDuration(
      app, "--idle-timeout", absl::Milliseconds(1),
      "Free a session after this long without use; clients may override it",
      &options.operations.idle_timeout);
  AddNumber(app, "--max-owner-sessions", 1, "Sessions of one client",
            &options.sessions.max_per_owner);
  AddNumber(app, "--max-psi-bytes", 1,
            "Memory that the adapted policies of all sessions may take; a "
            "session that keeps its policy between decisions reserves its part",
            &options.sessions.max_psi_bytes);
  AddDuration(app, "--max-idle-timeout", absl::Milliseconds(1),
              "Longest idle timeout that a client may ask for",
              &options.operations.max_idle_timeout);
  AddDuration(app, "--lost-timeout", absl::Milliseconds(1),
              "Free a session this long after its last use if the connection "
              "that used it has gone",
              &options.sessions.lost_timeout);
  AddNumber(app, "--max-queue", 1, "Decisions waiting for a core",
            &options.scheduler.queue.max_size);
  AddNumber(app, "--max-owner-queue", 1,
            "Decisions of one client waiting for a core",
            &options.scheduler.queue.max_per_owner);
  AddDuration(
      app, "--max-decision-time", absl::Milliseconds(1),
      "Time of a call without a deadline, and the longest expected time "
      "allowed for one step",
      &options.requests.max_decision_time);
  app.add_option("--compute-nice", options.scheduler.nice,
                 "Added to the niceness of compute threads, so that calls are "
                 "received and answered at once")
      ->capture_default_str()
      ->check(CLI::Range(0, 19));
  AddNumber(app, "--max-stream-in-flight", 1,
            "Unanswered requests of one stream; more are not read",
            &options.streams.max_in_flight);
  AddNumber(app, "--max-stream-bytes", 1024,
            "Bytes of a stream's unanswered requests and unread answers; with "
            "more, no further request is read",
            &options.streams.max_bytes);
  AddNumber(app, "--max-connection-calls", 1,
            "Calls and streams at once on one connection",
            &options.max_connection_calls);
  AddNumber(app, "--max-transport-bytes", 1 << 20,
            "Bytes of gRPC's buffers, over all connections",
            &options.max_transport_bytes);
  AddNumber(app, "--max-message-size", 1024, "Bytes of one message",
            &options.streams.max_message_bytes);
  AddNumber(app, "--max-samples", 1,
            "horizon * particles * sampler_steps of a session",
            &options.requests.max_samples);
  AddDuration(
      app, "--answer-margin", absl::ZeroDuration(),
      "Part of each deadline reserved for returning the answer; at most a "
      "tenth",
      &options.decisions.answer_margin);
  AddDuration(
      app, "--shutdown-notice", absl::ZeroDuration(),
      "After SIGTERM, keep serving this long while reporting NOT_SERVING",
      &options.shutdown_notice);
  AddDuration(
      app, "--drain-timeout", absl::ZeroDuration(),
      "After --shutdown-notice, cut short work that still runs after this long",
      &options.drain_timeout);
}

void DefineDurability(CLI::App& app, ServerOptions& options) {
  CLI::Option* folder =
      app.add_option("--state-dir", options.state_dir,
                     "Folder that keeps sessions beyond the process; if unset, "
                     "they live in memory alone")
          ->type_name("DIR");
  CLI::Option* store =
      app.add_option(
             "--state", options.state,
             "Redis that keeps the sessions of several servers, so that "
             "a session can continue on another one: "
             "redis://[[USER]:PASSWORD@]HOST[:PORT], or rediss:// for "
             "TLS; a password is safer in --config")
          ->excludes(folder)
          ->type_name("URI")
          ->check(CLI::Validator(
              [](const std::string& uri) {
                return std::string(ParseRedisAddress(uri).status().message());
              },
              ""));
  app.add_option("--state-tls-ca", options.state_tls_ca,
                 "Trust a store whose certificate these CAs signed (PEM), "
                 "instead of the machine's CAs")
      ->needs(store)
      ->type_name("FILE");
  AddChoice<Durability>(
      app, "--durability",
      {{"none", Durability::kNone},
       {"interval", Durability::kInterval},
       {"each", Durability::kEach}},
      "none: sessions are written only at an orderly end; interval: a kill "
      "loses at most --durability-interval; each: no answered decision is lost",
      &options.journal.durability);
  AddDuration(app, "--durability-interval", absl::Milliseconds(1),
              "Write changes of sessions this often",
              &options.journal.interval);
  AddDuration(app, "--store-timeout", absl::Milliseconds(1),
              "Longest wait of an answer for the store; after that the server "
              "answers without the store until it works again",
              &options.journal.store_timeout);
  AddNumber(app, "--replay-limit", 1,
            "Most adaptation steps of one session to make again after a "
            "restart",
            &options.keeper.replay_limit);
}

}  // namespace

std::variant<ServerOptions, EarlyExit> ParseOptions(
    int argc, const char* const* argv, const std::string& version) {
  ServerOptions options;
  CLI::App app(
      "Serves model bundles: adapts policies to the observations that clients "
      "send, and answers with actions.",
      "foresight-server");
  app.set_version_flag("--version", absl::StrCat("foresight-server ", version));
  app.set_config("--config", "", "File of options, one 'name = value' a line")
      ->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);
  DefineServing(app, options);
  DefineSecurity(app, options);
  DefineLimits(app, options);
  DefineDurability(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, errors;
    const bool asked_for = app.exit(error, out, errors) == 0;
    return EarlyExit{asked_for ? 0 : kUsageError, out.str() + errors.str()};
  }
  if (const absl::Status status = CheckExposure(options); !status.ok()) {
    return EarlyExit{kUsageError, absl::StrCat(status.message(), "\n")};
  }
  return options;
}

namespace {

absl::Status CheckPlainText(absl::string_view option,
                            const std::string& address,
                            const ServerOptions& options) {
  if (!options.security.certificates.certificate.empty() || options.insecure ||
      IsLoopback(address)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      option, " ", address,
      " can be reached from other machines in plain text, expected a "
      "loopback address, --tls-cert and --tls-key, or --insecure"));
}

// Only tokens have roles. Without tokens, everybody who reaches the address may
// administrate, so only this machine may reach it.
absl::Status CheckAdministration(const ServerOptions& options) {
  if (options.admin_listen == "off") {
    if (options.model_root.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "--model-root is given without an administrator's address, expected "
        "--admin-listen too");
  }
  RETURN_IF_ERROR(
      CheckPlainText("--admin-listen", options.admin_listen, options));
  if (!options.security.tokens.empty()) return absl::OkStatus();
  if (!options.security.certificates.client_ca.empty()) {
    return absl::InvalidArgumentError(
        "--admin-listen is given with --tls-client-ca, but certificates have "
        "no roles, expected --tokens too");
  }
  if (IsLoopback(options.admin_listen)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "--admin-listen ", options.admin_listen,
      " can be reached from other machines, expected a loopback address, or "
      "--tokens to tell who may administrate"));
}

}  // namespace

absl::Status CheckExposure(const ServerOptions& options) {
  const CertificateFiles& files = options.security.certificates;
  if (files.certificate.empty() != files.key.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        files.certificate.empty() ? "--tls-cert" : "--tls-key",
        " is missing, expected --tls-cert and --tls-key together"));
  }
  if (files.certificate.empty() && !files.client_ca.empty()) {
    return absl::InvalidArgumentError(
        "--tls-client-ca is given without TLS, expected --tls-cert and "
        "--tls-key too");
  }
  RETURN_IF_ERROR(CheckPlainText("--listen", options.listen, options));
  return CheckAdministration(options);
}

}  // namespace foresight

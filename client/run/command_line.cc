#include "client/run/command_line.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace foresight {
namespace {

constexpr char kSettings[] = "Settings of the adaptation";

template <typename Value, typename Setter>
void AddSetting(CLI::App& app, const std::string& name,
                const std::string& description, Setter set) {
  app.add_option_function<Value>(
         name, [set](const Value& value) { set(value); }, description)
      ->group(kSettings);
}

void AddFlags(CLI::App& app, v1::AdaptationSettings* settings) {
  AddSetting<std::string>(
      app, "--mode",
      "persist: keep the adapted policy; reset: start each decision from the "
      "pretrained one",
      [=](const std::string& mode) {
        if (mode != "persist" && mode != "reset") {
          throw CLI::ValidationError(
              "--mode", "\"" + mode + "\" is neither persist nor reset");
        }
        settings->set_mode(mode == "persist" ? v1::PERSIST : v1::RESET);
      });
  app.add_flag_function(
         "--accept-only-improvement,!--no-accept-only-improvement",
         [=](int64_t count) {
           settings->set_accept_only_improvement(count > 0);
         },
         "undo a change that lowers the imagined return")
      ->group(kSettings);
}

}  // namespace

CLI::Validator Count() {
  return CLI::Validator(CLI::Range(1, 1000000)).description("");
}

std::string RefuseMinus(const std::string& text) {
  return text.find('-') == std::string::npos ? "" : "must not be negative";
}

void AddDuration(CLI::App& app, const std::string& name,
                 const std::string& description, const std::string& shown,
                 std::function<void(absl::Duration)> set, Zero zero) {
  const auto parse = [name, zero,
                      set = std::move(set)](const std::string& text) {
    absl::Duration duration;
    if (!absl::ParseDuration(text, &duration) ||
        duration < absl::ZeroDuration() ||
        duration == absl::InfiniteDuration() ||
        (duration == absl::ZeroDuration() && zero == Zero::kRefused)) {
      throw CLI::ValidationError(
          name, absl::StrCat("\"", text, "\" is not a ",
                             zero == Zero::kRefused ? "positive " : "",
                             "duration such as 20ms"));
    }
    set(duration);
  };
  app.add_option_function<std::string>(name, parse, description)
      ->type_name("DURATION")
      ->default_str(shown);
}

void AddSecurity(CLI::App& app, SecurityOptions* security) {
  const auto add_file = [&app](const char* name, std::string* path,
                               const char* help) {
    return app.add_option(name, *path, help)->type_name("FILE");
  };
  auto* ca = add_file(
      "--tls-ca", &security->tls_ca,
      "connect over TLS; this CA signed the server's certificate (PEM)");
  auto* certificate = add_file("--tls-cert", &security->tls_cert,
                               "show the server this certificate (PEM)")
                          ->needs(ca);
  auto* key = add_file("--tls-key", &security->tls_key,
                       "private key of --tls-cert (PEM)")
                  ->needs(certificate);
  certificate->needs(key);
  add_file("--token-file", &security->token_file,
           "send the bearer token in this file; read again when replaced");
  app.add_flag("--plaintext-token", security->plaintext_token,
               "send the token without TLS to other machines, too");
}

void AddSettings(CLI::App& app, v1::AdaptationSettings* settings) {
  using Settings = v1::AdaptationSettings;
  const auto whole = [&](const char* name, const char* description,
                         void (Settings::*set)(uint32_t)) {
    AddSetting<uint32_t>(app, name, description,
                         [=](uint32_t value) { (settings->*set)(value); });
  };
  const auto real = [&](const char* name, const char* description,
                        void (Settings::*set)(float)) {
    AddSetting<float>(app, name, description,
                      [=](float value) { (settings->*set)(value); });
  };
  whole("--horizon", "H, transitions of an imagined rollout (1..64)",
        &Settings::set_horizon);
  whole("--particles", "M, imagined rollouts of a decision (1..65536)",
        &Settings::set_particles);
  whole("--steps", "E, gradient steps of a decision (0..1000)",
        &Settings::set_steps);
  real("--step-size", "eta of a gradient step", &Settings::set_step_size);
  real("--action-step",
       "change of the action by a decision's steps, instead of --step-size "
       "(0: off)",
       &Settings::set_action_step);
  real("--discount", "gamma, in (0, 1]", &Settings::set_discount);
  real("--max-gradient-norm", "limit of the gradient's norm (0: off)",
       &Settings::set_max_gradient_norm);
  real("--max-drift", "limit of the distance to the pretrained policy (0: off)",
       &Settings::set_max_drift);
  real("--max-action-change",
       "limit of a decision's change of the action (0: off)",
       &Settings::set_max_action_change);
  real("--noise-scale", "tau of the imagined noise (0..2)",
       &Settings::set_noise_scale);
  whole("--sampler-steps", "n, only for mean_flow dynamics (1..64)",
        &Settings::set_sampler_steps);
  AddFlags(app, settings);
}

}  // namespace foresight

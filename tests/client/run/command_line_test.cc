#include "client/run/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace foresight {
namespace {

using ::testing::HasSubstr;

// A program with the shared options and no others.
struct Parsed {
  explicit Parsed(const std::string& arguments) {
    CLI::App app;
    AddSecurity(app, &security);
    AddSettings(app, &settings);
    AddDuration(app, "--time", "a time", "1s",
                [this](absl::Duration value) { time = value; });
    try {
      app.parse(arguments);
    } catch (const CLI::ParseError& wrong) {
      error = wrong.what();
    }
  }

  SecurityOptions security;
  v1::AdaptationSettings settings;
  absl::Duration time;
  std::string error;  // Empty: none.
};

TEST(CommandLineTest, EverySecurityOptionArrives) {
  const Parsed parsed(
      "--tls-ca a --tls-cert c --tls-key k --token-file t "
      "--plaintext-token");
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.security.tls_ca, "a");
  EXPECT_EQ(parsed.security.tls_cert, "c");
  EXPECT_EQ(parsed.security.tls_key, "k");
  EXPECT_EQ(parsed.security.token_file, "t");
  EXPECT_TRUE(parsed.security.plaintext_token);
  EXPECT_FALSE(Parsed("").security.plaintext_token);
}

TEST(CommandLineTest, ACertificateNeedsItsKeyAndTheServersCa) {
  EXPECT_THAT(Parsed("--tls-cert c --tls-key k").error, HasSubstr("--tls-ca"));
  EXPECT_THAT(Parsed("--tls-ca a --tls-cert c").error, HasSubstr("--tls-key"));
}

TEST(CommandLineTest, EverySettingArrives) {
  const Parsed parsed(
      "--horizon 1 --particles 2 --steps 0 --step-size 3e-5 "
      "--action-step 0.25 --mode reset --discount 0.5 "
      "--max-gradient-norm 6 --max-action-change 7 --max-drift 8 "
      "--accept-only-improvement --sampler-steps 9 --noise-scale 0");
  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.settings.ShortDebugString(),
            "horizon: 1 particles: 2 steps: 0 step_size: 3e-05 mode: RESET "
            "discount: 0.5 max_gradient_norm: 6 max_action_change: 7 "
            "max_drift: 8 accept_only_improvement: true sampler_steps: 9 "
            "noise_scale: 0 action_step: 0.25");
  const Parsed off("--no-accept-only-improvement --mode persist");
  EXPECT_EQ(off.settings.ShortDebugString(),
            "mode: PERSIST accept_only_improvement: false");
}

TEST(CommandLineTest, DurationsHaveAUnitAndArePositive) {
  EXPECT_EQ(Parsed("--time 20ms").time, absl::Milliseconds(20));
  for (const std::string wrong : {"20", "-1s", "0s"}) {
    EXPECT_THAT(Parsed("--time " + wrong).error,
                HasSubstr("is not a positive duration such as 20ms"))
        << wrong;
  }
}

}  // namespace
}  // namespace foresight

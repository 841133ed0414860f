#include "models/bundle/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr SamplerLimits kDiffusion = {/*fixed=*/true, /*steps=*/10};
constexpr SamplerLimits kMeanFlow = {/*fixed=*/false, /*steps=*/1};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using Change = std::function<void(v1::AdaptationSettings&)>;

struct Case {
  std::string message;  // What follows "settings." or "defaults.".
  Change change;
};

// All fields differ from one another and from the defaults.
AdaptationSettings Unusual() {
  AdaptationSettings settings;
  settings.horizon = 7;
  settings.particles = 3;
  settings.steps = 2;
  settings.step_size = 0.25f;
  settings.action_step = 0.375f;
  settings.mode = Mode::kReset;
  settings.discount = 0.75f;
  settings.max_gradient_norm = 11;
  settings.max_action_change = 0.5f;
  settings.max_drift = 0.125f;
  settings.accept_only_improvement = true;
  settings.sampler_steps = 5;
  settings.noise_scale = 1.5f;
  return settings;
}

std::vector<Case> OutOfRange() {
  std::vector<Case> cases = {
      {"horizon is 0, expected 1..64", [](auto& s) { s.set_horizon(0); }},
      {"horizon is 65, expected 1..64", [](auto& s) { s.set_horizon(65); }},
      {"particles is 0, expected 1..65536",
       [](auto& s) { s.set_particles(0); }},
      {"particles is 1000000, expected 1..65536",
       [](auto& s) { s.set_particles(1000000); }},
      {"particles is 4294967295, expected 1..65536",
       [](auto& s) { s.set_particles(4294967295u); }},
      {"steps is 1001, expected 0..1000", [](auto& s) { s.set_steps(1001); }},
      {"step_size is -0.1, expected a finite number >= 0",
       [](auto& s) { s.set_step_size(-0.1f); }},
      {"action_step is -1, expected a finite number >= 0",
       [](auto& s) { s.set_action_step(-1); }},
      {"mode is 3, expected PERSIST or RESET",
       [](auto& s) { s.set_mode(static_cast<v1::Mode>(3)); }},
      {"discount is 0, expected a number in (0, 1]",
       [](auto& s) { s.set_discount(0); }},
      {"discount is 1.5, expected a number in (0, 1]",
       [](auto& s) { s.set_discount(1.5f); }},
      {"max_gradient_norm is -1,",
       [](auto& s) { s.set_max_gradient_norm(-1); }},
      {"max_action_change is -1,",
       [](auto& s) { s.set_max_action_change(-1); }},
      {"max_drift is -1,", [](auto& s) { s.set_max_drift(-1); }},
      {"sampler_steps is 0, expected 1..64",
       [](auto& s) { s.set_sampler_steps(0); }},
      {"sampler_steps is 65, expected 1..64",
       [](auto& s) { s.set_sampler_steps(65); }},
      {"noise_scale is -0.5, expected a number in 0..2",
       [](auto& s) { s.set_noise_scale(-0.5f); }},
      {"noise_scale is 2.5, expected a number in 0..2",
       [](auto& s) { s.set_noise_scale(2.5f); }},
  };
  for (const float value : {kNan, kInfinity}) {
    const std::string got = std::isnan(value) ? "nan" : "inf";
    cases.push_back(
        {"step_size is " + got, [=](auto& s) { s.set_step_size(value); }});
    cases.push_back(
        {"discount is " + got, [=](auto& s) { s.set_discount(value); }});
    cases.push_back({"max_gradient_norm is " + got,
                     [=](auto& s) { s.set_max_gradient_norm(value); }});
    cases.push_back({"max_action_change is " + got,
                     [=](auto& s) { s.set_max_action_change(value); }});
    cases.push_back(
        {"max_drift is " + got, [=](auto& s) { s.set_max_drift(value); }});
    cases.push_back(
        {"noise_scale is " + got, [=](auto& s) { s.set_noise_scale(value); }});
  }
  return cases;
}

TEST(ResolveSettings, TakesUnsetFieldsFromTheDefaults) {
  const auto settings = ResolveSettings({}, Unusual(), kMeanFlow);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(ToProto(*settings).SerializeAsString(),
            ToProto(Unusual()).SerializeAsString());
}

TEST(ResolveSettings, TakesSetFieldsFromTheRequest) {
  const auto settings =
      ResolveSettings(ToProto(Unusual()), AdaptationSettings(), kMeanFlow);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(ToProto(*settings).SerializeAsString(),
            ToProto(Unusual()).SerializeAsString());
  EXPECT_EQ(settings->mode, Mode::kReset);
  EXPECT_EQ(settings->max_drift, 0.125f);
}

TEST(ResolveSettings, TakesTheEndsOfEachRange) {
  v1::AdaptationSettings low = ToProto(AdaptationSettings());
  low.set_horizon(1);
  low.set_particles(1);
  low.set_steps(0);
  low.set_step_size(0);
  low.set_discount(std::numeric_limits<float>::min());
  low.set_max_gradient_norm(0);
  low.set_sampler_steps(1);
  low.set_noise_scale(0);
  EXPECT_TRUE(ResolveSettings(low, Unusual(), kMeanFlow).ok());
  v1::AdaptationSettings high = low;
  high.set_horizon(64);
  high.set_particles(65536);
  high.set_steps(1000);
  high.set_step_size(std::numeric_limits<float>::max());
  high.set_discount(1);
  high.set_max_drift(std::numeric_limits<float>::max());
  high.set_sampler_steps(64);
  high.set_noise_scale(2);
  EXPECT_TRUE(ResolveSettings(high, Unusual(), kMeanFlow).ok());
}

TEST(ResolveSettings, RefusesValuesOutOfRange) {
  for (const Case& wrong : OutOfRange()) {
    v1::AdaptationSettings request;
    wrong.change(request);
    const auto settings =
        ResolveSettings(request, AdaptationSettings(), kMeanFlow);
    EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument)
        << wrong.message;
    EXPECT_THAT(std::string(settings.status().message()),
                HasSubstr("settings." + wrong.message));
  }
}

TEST(ResolveSettings, LeavesDiffusionItsSteps) {
  v1::AdaptationSettings request;
  const auto unset = ResolveSettings(request, Unusual(), kDiffusion);
  ASSERT_TRUE(unset.ok()) << unset.status();
  EXPECT_EQ(unset->sampler_steps, 10);
  request.set_sampler_steps(10);
  const auto same = ResolveSettings(request, Unusual(), kDiffusion);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->sampler_steps, 10);
  request.set_sampler_steps(9);
  const auto other = ResolveSettings(request, Unusual(), kDiffusion);
  EXPECT_EQ(other.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(other.status().message()),
              HasSubstr("settings.sampler_steps is 9, expected 10 or unset"));
}

TEST(ResolveDefaults, RefusesValuesOutOfRange) {
  for (const Case& wrong : OutOfRange()) {
    v1::AdaptationSettings defaults = ToProto(Unusual());
    wrong.change(defaults);
    const auto settings = ResolveDefaults(defaults, kMeanFlow);
    EXPECT_EQ(settings.status().code(), absl::StatusCode::kInvalidArgument)
        << wrong.message;
    EXPECT_THAT(std::string(settings.status().message()),
                HasSubstr("defaults." + wrong.message));
  }
}

TEST(ResolveDefaults, RefusesAnUnsetField) {
  const std::vector<Case> cases = {
      {"horizon", [](auto& s) { s.clear_horizon(); }},
      {"particles", [](auto& s) { s.clear_particles(); }},
      {"steps", [](auto& s) { s.clear_steps(); }},
      {"step_size", [](auto& s) { s.clear_step_size(); }},
      {"mode", [](auto& s) { s.clear_mode(); }},
      {"discount", [](auto& s) { s.clear_discount(); }},
      {"max_gradient_norm", [](auto& s) { s.clear_max_gradient_norm(); }},
      {"max_action_change", [](auto& s) { s.clear_max_action_change(); }},
      {"max_drift", [](auto& s) { s.clear_max_drift(); }},
      {"accept_only_improvement",
       [](auto& s) { s.clear_accept_only_improvement(); }},
      {"sampler_steps", [](auto& s) { s.clear_sampler_steps(); }},
      {"noise_scale", [](auto& s) { s.clear_noise_scale(); }},
  };
  ASSERT_TRUE(ResolveDefaults(ToProto(Unusual()), kMeanFlow).ok());
  for (const Case& wrong : cases) {
    v1::AdaptationSettings defaults = ToProto(Unusual());
    wrong.change(defaults);
    const auto settings = ResolveDefaults(defaults, kMeanFlow);
    EXPECT_THAT(std::string(settings.status().message()),
                HasSubstr("defaults." + wrong.message + " is unset, expected"));
  }
}

// Bundles older than the action step leave it unset.
TEST(ResolveDefaults, TheActionStepMayBeUnset) {
  v1::AdaptationSettings defaults = ToProto(Unusual());
  EXPECT_EQ(ResolveDefaults(defaults, kMeanFlow)->action_step, 0.375f);
  defaults.clear_action_step();
  EXPECT_EQ(ResolveDefaults(defaults, kMeanFlow)->action_step, 0);
}

TEST(ResolveDefaults, WantsTheStepsOfDiffusionUnset) {
  v1::AdaptationSettings defaults = ToProto(Unusual());
  defaults.set_sampler_steps(10);
  const auto wrong = ResolveDefaults(defaults, kDiffusion);
  EXPECT_THAT(std::string(wrong.status().message()),
              HasSubstr("defaults.sampler_steps is 10, expected it unset"));
  defaults.clear_sampler_steps();
  const auto settings = ResolveDefaults(defaults, kDiffusion);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->sampler_steps, 10);
}

}  // namespace
}  // namespace foresight

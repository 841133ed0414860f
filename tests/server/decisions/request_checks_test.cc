#include "server/decisions/request_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "models/bundle/random_bundle.h"
#include "server/support/error.h"

namespace foresight {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(RequestChecksTest, ASessionIdIsUpTo128PrintableCharacters) {
  EXPECT_TRUE(CheckSessionId("a").ok());
  EXPECT_TRUE(CheckSessionId("robot 7/arm~").ok());
  EXPECT_TRUE(CheckSessionId(std::string(128, 'x')).ok());
  EXPECT_EQ(CheckSessionId(std::string(129, 'x')).message(),
            "session_id has 129 bytes, expected 1 to 128");
  EXPECT_EQ(CheckSessionId("a\tb").message(),
            "session_id has the byte 0x09 at 1, expected printable ASCII");
  EXPECT_EQ(CheckSessionId("\xc3\xa4").message(),
            "session_id has the byte 0xc3 at 0, expected printable ASCII");
  EXPECT_EQ(ReasonName(CheckSessionId("")), "SETTINGS_INVALID");
}

TEST(RequestChecksTest, ClientsGoOnWithABundleOfTheSameShape) {
  const Bundle old = RandomBundle();
  RandomBundleOptions options;
  options.policy.hidden = {4};
  EXPECT_TRUE(CheckSameShape(RandomBundle(options), old).ok());
  options.action_size = 3;
  const absl::Status differs = CheckSameShape(RandomBundle(options), old);
  EXPECT_EQ(ReasonName(differs), "WEIGHTS_DIFFER");
  EXPECT_EQ(differs.message(),
            "the bundle takes observations of 3 values and gives actions of 3, "
            "expected 3 and 2 as before");
}

TEST(RequestChecksTest, AnObservationIsFiniteAndOfTheRightSize) {
  const float largest = std::numeric_limits<float>::max();
  EXPECT_TRUE(CheckObservation({1, -largest, 0}, 3).ok());
  EXPECT_EQ(CheckObservation({1, 2}, 3).message(),
            "observation has 2 values, expected 3");
  EXPECT_EQ(CheckObservation({}, 3).message(),
            "observation has 0 values, expected 3");
  EXPECT_EQ(CheckObservation({1, kNan, 3}, 3).message(),
            "observation[1] is nan, expected a finite value");
  EXPECT_EQ(CheckObservation({1, 2, -kInfinity}, 3).message(),
            "observation[2] is -inf, expected a finite value");
  EXPECT_EQ(ReasonName(CheckFinite({kNan})), "OBSERVATION_INVALID");
}

TEST(RequestChecksTest, FieldsOfStatelessCallsDoNotGoWithASession) {
  v1::ActRequest request;
  EXPECT_TRUE(CheckStatefulFields(request).ok());
  request.set_seed(1);
  EXPECT_THAT(std::string(CheckStatefulFields(request).message()),
              HasSubstr("seed is set"));
  request.mutable_settings();
  EXPECT_THAT(std::string(CheckStatefulFields(request).message()),
              HasSubstr("settings is set"));
  request.set_model("m");
  EXPECT_THAT(std::string(CheckStatefulFields(request).message()),
              HasSubstr("model is set"));
  EXPECT_EQ(ReasonName(CheckStatefulFields(request)), "SETTINGS_INVALID");
}

TEST(RequestChecksTest, ABudgetIsNotNegativeAndZeroIsNone) {
  v1::ActRequest request;
  EXPECT_EQ(CheckBudget(request).value(), absl::InfiniteDuration());
  request.mutable_budget();
  EXPECT_EQ(CheckBudget(request).value(), absl::InfiniteDuration());
  request.mutable_budget()->set_nanos(5000000);
  EXPECT_EQ(CheckBudget(request).value(), absl::Milliseconds(5));
  request.mutable_budget()->set_nanos(-5000000);
  EXPECT_EQ(CheckBudget(request).status().message(),
            "budget is -5ms, expected zero or more");
}

TEST(RequestChecksTest, AnIdleTimeoutIsPositive) {
  v1::OpenSessionRequest request;
  EXPECT_EQ(
      CheckIdleTimeout(request, absl::Seconds(60), absl::Hours(1)).value(),
      absl::Seconds(60));
  request.mutable_idle_timeout()->set_seconds(5);
  EXPECT_EQ(
      CheckIdleTimeout(request, absl::Seconds(60), absl::Hours(1)).value(),
      absl::Seconds(5));
  for (const int64_t seconds : {0, -1}) {
    request.mutable_idle_timeout()->set_seconds(seconds);
    const auto status =
        CheckIdleTimeout(request, absl::Seconds(60), absl::Hours(1)).status();
    EXPECT_EQ(ReasonName(status), "SETTINGS_INVALID");
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("expected more than zero"));
  }
}

TEST(RequestChecksTest, APlanHasAtMost64Actions) {
  v1::ActRequest request;
  request.set_plan_length(64);
  EXPECT_TRUE(CheckPlanLength(request).ok());
  request.set_plan_length(65);
  EXPECT_EQ(CheckPlanLength(request).message(),
            "plan_length is 65, expected at most 64");
}

TEST(RequestChecksTest, AnIdleTimeoutHasAMaximum) {
  v1::OpenSessionRequest request;
  request.mutable_idle_timeout()->set_seconds(7200);
  const auto status =
      CheckIdleTimeout(request, absl::Seconds(60), absl::Hours(1)).status();
  EXPECT_EQ(status.message(),
            "idle_timeout is 2h, expected more than zero and at most 1h");
}

TEST(RequestChecksTest, SettingsAreCompletedFromTheBundle) {
  const Bundle bundle = RandomBundle();  // Diffusion of 3 steps.
  v1::AdaptationSettings request;
  request.set_horizon(7);
  const auto settings = CheckSettings(request, bundle, 1 << 20);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->horizon, 7);
  EXPECT_EQ(settings->particles, bundle.defaults().particles);
  EXPECT_EQ(settings->sampler_steps, 3);
}

TEST(RequestChecksTest, WrongSettingsHaveTheirReason) {
  v1::AdaptationSettings request;
  request.set_particles(0);
  const auto status = CheckSettings(request, RandomBundle(), 1 << 20).status();
  EXPECT_EQ(ReasonName(status), "SETTINGS_INVALID");
  EXPECT_THAT(std::string(status.message()), HasSubstr("particles"));
}

TEST(RequestChecksTest, TheSamplesOfARolloutAreBounded) {
  v1::AdaptationSettings request;
  request.set_horizon(5);
  request.set_particles(20);
  const Bundle bundle = RandomBundle();  // K = 3: 300 samples.
  EXPECT_TRUE(CheckSettings(request, bundle, 300).ok());
  EXPECT_EQ(CheckSettings(request, bundle, 299).status().message(),
            "horizon * particles * sampler_steps is 300, expected at most 299 "
            "on this server");
}

}  // namespace
}  // namespace foresight

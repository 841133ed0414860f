#include "client/run/settings_text.h"

#include <gtest/gtest.h>

namespace foresight {
namespace {

TEST(SettingsTextTest, TheLineHasTheLettersOfTheMethod) {
  v1::AdaptationSettings settings;
  settings.set_horizon(5);
  settings.set_particles(10);
  settings.set_steps(1);
  settings.set_mode(v1::RESET);
  EXPECT_EQ(SettingsLine(settings),
            "H 5, M 10, E 1, eta 0, reset, gamma 0, K 0, tau 0, max gradient "
            "norm 0");
  settings.set_action_step(0.25f);  // eta then has no effect.
  EXPECT_EQ(SettingsLine(settings),
            "H 5, M 10, E 1, action step 0.25, reset, gamma 0, K 0, tau 0, max "
            "gradient norm 0");
}

TEST(SettingsTextTest, FlagsHaveTheFieldsThatAreSet) {
  v1::AdaptationSettings settings;
  EXPECT_EQ(SettingsFlags(settings), "");
  settings.set_steps(0);
  settings.set_step_size(3e-5f);
  settings.set_mode(v1::RESET);
  settings.set_accept_only_improvement(false);
  EXPECT_EQ(SettingsFlags(settings),
            "--steps 0 --step-size 3e-05 --mode reset "
            "--no-accept-only-improvement");
}

TEST(SettingsTextTest, JsonHasTheFieldsThatAreSet) {
  v1::AdaptationSettings settings;
  settings.set_steps(0);
  settings.set_mode(v1::PERSIST);
  EXPECT_EQ(SettingsJson(settings).dump(), R"({"steps":0,"mode":"PERSIST"})");
}

}  // namespace
}  // namespace foresight

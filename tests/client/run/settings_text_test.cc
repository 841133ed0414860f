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
}

TEST(SettingsTextTest, JsonHasTheFieldsThatAreSet) {
  v1::AdaptationSettings settings;
  settings.set_steps(0);
  settings.set_mode(v1::PERSIST);
  EXPECT_EQ(SettingsJson(settings).dump(), R"({"steps":0,"mode":"PERSIST"})");
}

}  // namespace
}  // namespace foresight

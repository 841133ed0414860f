#include "server/support/event.h"

#include <gtest/gtest.h>

#include <thread>

namespace foresight {
namespace {

TEST(EventTest, AWaitEndsWithItsTimeout) {
  Event event;
  EXPECT_FALSE(event.WaitFor(absl::ZeroDuration()));
  EXPECT_FALSE(event.WaitFor(absl::Milliseconds(1)));
}

TEST(EventTest, ItEndsWaitsAndStaysSet) {
  Event event;
  bool seen = false;
  std::thread waiting([&] { seen = event.WaitFor(absl::Hours(1)); });
  event.Set();
  waiting.join();
  EXPECT_TRUE(seen);
  EXPECT_TRUE(event.WaitFor(absl::ZeroDuration()));
}

TEST(EventTest, OnceClearedItCanBeSetAgain) {
  Event event;
  event.Set();
  event.Clear();
  EXPECT_FALSE(event.WaitFor(absl::ZeroDuration()));
  event.Set();
  EXPECT_TRUE(event.WaitFor(absl::ZeroDuration()));
}

}  // namespace
}  // namespace foresight

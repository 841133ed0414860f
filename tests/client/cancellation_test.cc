#include "foresight/cancellation.h"

#include <gtest/gtest.h>

#include <thread>

namespace foresight {
namespace {

TEST(CancellationTest, ActionsRunOnceAndOnlyWhileWatched) {
  Cancellation cancellation;
  int watched = 0, dropped = 0;
  const auto watch = cancellation.OnCancel([&] { ++watched; });
  cancellation.OnCancel([&] { ++dropped; }).reset();
  EXPECT_FALSE(cancellation.cancelled());
  EXPECT_EQ(watched, 0);
  cancellation.Cancel();
  cancellation.Cancel();
  EXPECT_TRUE(cancellation.cancelled());
  EXPECT_EQ(watched, 1);
  EXPECT_EQ(dropped, 0);
}

TEST(CancellationTest, LateActionsRunAtOnce) {
  Cancellation cancellation;
  cancellation.Cancel();
  bool ran = false;
  const auto watch = cancellation.OnCancel([&] { ran = true; });
  EXPECT_TRUE(ran);
}

TEST(CancellationTest, WaitEndsWithTheTimeoutOrTheCancellation) {
  Cancellation cancellation;
  EXPECT_FALSE(cancellation.WaitFor(absl::Milliseconds(1)));
  std::thread other([&] { cancellation.Cancel(); });
  EXPECT_TRUE(cancellation.WaitFor(absl::InfiniteDuration()));
  other.join();
}

TEST(CancellationTest, AnActionMayDropItsOwnWatch) {
  Cancellation cancellation;
  std::unique_ptr<Cancellation::Watch> watch;
  watch = cancellation.OnCancel([&] { watch.reset(); });
  cancellation.Cancel();
  EXPECT_EQ(watch, nullptr);
}

}  // namespace
}  // namespace foresight

#include "client/run/progress.h"

#include <gtest/gtest.h>

#include "absl/time/clock.h"

namespace foresight {
namespace {

TEST(ProgressTest, TheLineShowsProgressSpeedAndTimeLeft) {
  ProgressState state;
  state.episodes_done = 3;
  state.episodes = 20;
  state.steps_done = 5000;
  state.steps = 20000;
  state.elapsed = absl::Seconds(20);
  EXPECT_EQ(ProgressLine(state),
            "episodes 3/20, steps [#####...............] 5000/20000  25% "
            "250.0/s 1:00 left");
  state.elapsed = absl::Seconds(5000);
  EXPECT_EQ(ProgressLine(state),
            "episodes 3/20, steps [#####...............] 5000/20000  25% "
            "1.0/s 4:10:00 left");
}

TEST(ProgressTest, WithoutAStepThereIsNoTimeLeft) {
  ProgressState state;
  state.episodes = 2;
  state.steps = 2000;
  state.elapsed = absl::Seconds(3);
  EXPECT_EQ(ProgressLine(state),
            "episodes 0/2, steps [....................] 0/2000   0% 0.0/s");
}

TEST(ProgressTest, AnEpisodeThatEndsEarlyShortensTheRun) {
  RunProgress progress(3, 1000, /*quiet=*/true);
  for (int i = 0; i < 400; ++i) progress.AddStep();
  progress.FinishEpisode(400);
  const ProgressState state = progress.state();
  EXPECT_EQ(state.episodes_done, 1);
  EXPECT_EQ(state.steps_done, 400);
  EXPECT_EQ(state.steps, 2400);
}

TEST(ProgressTest, StopsAtOnce) {
  // The output is not a terminal, so the first line is due after ten seconds.
  const absl::Time start = absl::Now();
  { const RunProgress progress(1, 10, /*quiet=*/false); }
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));
}

}  // namespace
}  // namespace foresight

#include "support/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace foresight {
namespace {

using ::testing::HasSubstr;

TEST(Progress, ShowsRateLossAndTimeLeft) {
  std::ostringstream out;
  const absl::Time start = absl::UnixEpoch();
  Progress progress({"policy", 1000, 0, 0, absl::Seconds(1)}, out, start);
  progress.Update(250, "loss 0.5", start + absl::Seconds(10));
  EXPECT_EQ(out.str(),
            "policy [#####...............] 250/1000  25% 25.0/s 0:30 left  "
            "loss 0.5\n");
}

TEST(Progress, DoesNotCountWorkOfEarlierRunsAsSpeed) {
  std::ostringstream out;
  const absl::Time start = absl::UnixEpoch();
  Progress progress({"x", 8000, 4000, 0, absl::Seconds(1)}, out, start);
  progress.Update(4100, "", start + absl::Seconds(100));
  EXPECT_THAT(out.str(), HasSubstr(" 1.0/s 1:05:00 left"));
}

TEST(Progress, PrintsALineOnlyNowAndThen) {
  std::ostringstream out;
  const absl::Time start = absl::UnixEpoch();
  Progress progress({"x", 100, 0, 0, absl::Seconds(30)}, out, start);
  for (int i = 1; i <= 100; ++i) {
    progress.Update(i, "", start + absl::Seconds(i));
  }
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);  // 1, 31, 61, 91
  progress.Finish(100, "", start + absl::Seconds(100));
  EXPECT_THAT(out.str(), HasSubstr("100/100 100%"));
}

TEST(Progress, RedrawsOneLineOnATerminal) {
  std::ostringstream out;
  const absl::Time start = absl::UnixEpoch();
  Progress progress({"x", 10, 0, 80, absl::Seconds(1)}, out, start);
  progress.Update(1, "a long note", start + absl::Seconds(1));
  const size_t first = out.str().size();
  progress.Update(2, "short", start + absl::Seconds(2));
  const std::string second = out.str().substr(first);
  EXPECT_EQ(second.front(), '\r');
  // It is as long as the first line, so nothing of the first line is left.
  EXPECT_EQ(second.size(), first);
  EXPECT_EQ(out.str().find('\n'), std::string::npos);
  progress.Finish(10, "", start + absl::Seconds(3));
  EXPECT_EQ(out.str().back(), '\n');
}

TEST(Progress, CutsLinesAtTheTerminalsWidth) {
  std::ostringstream out;
  const absl::Time start = absl::UnixEpoch();
  Progress progress({"x", 10, 0, 40, absl::Seconds(1)}, out, start);
  progress.Update(5, "a note that does not fit into forty columns",
                  start + absl::Seconds(1));
  EXPECT_EQ(out.str().size(), 40u);  // A carriage return and 39 columns.
}

}  // namespace
}  // namespace foresight

// A progress bar: how far a long loop is, how fast, and when it will end. It is
// our own because Debian has no C++ package for one.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace foresight {

// "label [#####...............] 250/1000  25% 25.0/s 0:30 left": `done` of
// `total` >= 1 units of work, `before` of them done before the time `elapsed`
// began. Leaves out the time left while the speed is zero.
std::string ProgressText(const std::string& label, int64_t done, int64_t total,
                         int64_t before, absl::Duration elapsed);

// Redraws one line on a terminal; elsewhere it prints a line now and then.
// Reads no clock: callers pass the time. Not thread-safe.
class Progress {
 public:
  struct Options {
    std::string label;
    int64_t total = 1;  // Units of work, >= 1.
    int64_t done = 0;   // Units done before the start; not counted as speed.
    // Columns of the terminal behind `out`, at least 1; 0 if it is not a
    // terminal. Longer lines are cut, since a wrapped line cannot be redrawn.
    int columns = 0;
    absl::Duration every = absl::Seconds(1);  // Between lines.
  };
  // `out` must outlive this.
  Progress(Options options, std::ostream& out, absl::Time now);

  // Prints if a line is due. `note` is shown after the figures.
  void Update(int64_t done, const std::string& note, absl::Time now);
  // Prints the last line, whether it is due or not.
  void Finish(int64_t done, const std::string& note, absl::Time now);

 private:
  std::string Line(int64_t done, const std::string& note, absl::Time now) const;
  void Print(std::string line, bool last);

  Options options_;
  std::ostream& out_;
  absl::Time start_, next_;
  size_t printed_ = 0;  // Width of the line on the terminal.
};

}  // namespace foresight

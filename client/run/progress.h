// Shows a run's progress on standard error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/run/line_drawer.h"

namespace foresight {

struct ProgressState {
  int episodes_done = 0;
  int episodes = 0;
  int64_t steps_done = 0;
  int64_t steps = 0;  // The expected total.
  absl::Duration elapsed;
};

// "episodes 3/20, steps [###.................] 3512/20000  18% 235.0/s 1:10
// left". Rate and time left are computed from the whole run so far.
std::string ProgressLine(const ProgressState& state);

// Counts the played steps and episodes, and draws the line.
//
// Thread-safe.
class RunProgress {
 public:
  // For `episodes` episodes of at most `steps_each` steps. If `quiet`, draws
  // nothing.
  RunProgress(int episodes, int steps_each, bool quiet);
  RunProgress(const RunProgress&) = delete;
  RunProgress& operator=(const RunProgress&) = delete;

  void AddStep() ABSL_LOCKS_EXCLUDED(mutex_);
  // Records that an episode has ended after `steps` steps.
  void FinishEpisode(int steps) ABSL_LOCKS_EXCLUDED(mutex_);

  ProgressState state() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  const int steps_each_;
  const absl::Time start_;
  mutable absl::Mutex mutex_;
  ProgressState state_ ABSL_GUARDED_BY(mutex_);
  std::optional<LineDrawer> drawer_;
};

}  // namespace foresight

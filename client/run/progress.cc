#include "client/run/progress.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "support/progress.h"

namespace foresight {

std::string ProgressLine(const ProgressState& state) {
  const std::string label = absl::StrFormat(
      "episodes %d/%d, steps", state.episodes_done, state.episodes);
  return ProgressText(label, state.steps_done,
                      std::max<int64_t>(state.steps, 1), 0, state.elapsed);
}

RunProgress::RunProgress(int episodes, int steps_each, bool quiet)
    : steps_each_(steps_each), start_(absl::Now()) {
  state_.episodes = episodes;
  state_.steps = static_cast<int64_t>(episodes) * steps_each;
  drawer_.emplace([this] { return ProgressLine(state()); }, quiet);
}

void RunProgress::AddStep() {
  absl::MutexLock lock(&mutex_);
  ++state_.steps_done;
}

void RunProgress::FinishEpisode(int steps) {
  absl::MutexLock lock(&mutex_);
  ++state_.episodes_done;
  state_.steps -= steps_each_ - steps;
}

ProgressState RunProgress::state() const {
  absl::MutexLock lock(&mutex_);
  ProgressState state = state_;
  state.elapsed = absl::Now() - start_;
  return state;
}

}  // namespace foresight

#include "client/run/progress.h"

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace foresight {
namespace {

std::string ClockText(absl::Duration duration) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  if (seconds < 3600) {
    return absl::StrFormat("%d:%02d", seconds / 60, seconds % 60);
  }
  return absl::StrFormat("%d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
                         seconds % 60);
}

}  // namespace

std::string ProgressLine(const ProgressState& state) {
  std::string line =
      absl::StrFormat("episodes %d/%d   steps %d/%d", state.episodes_done,
                      state.episodes, state.steps_done, state.steps);
  const double seconds = absl::ToDoubleSeconds(state.elapsed);
  if (state.steps_done > 0 && seconds > 0) {
    const double rate = static_cast<double>(state.steps_done) / seconds;
    const auto left = static_cast<double>(state.steps - state.steps_done);
    absl::StrAppendFormat(&line, "   %.0f steps/s   %s left", rate,
                          ClockText(absl::Seconds(left / rate)));
  }
  return line;
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

#include "client/load/recorder.h"

namespace foresight {

int64_t LoadCounts::failed() const {
  int64_t sum = 0;
  for (const auto& [reason, count] : errors) sum += count;
  return sum;
}

double LoadCounts::missed_fraction() const {
  if (ticks() == 0) return 0;
  return static_cast<double>(missed()) / static_cast<double>(ticks());
}

Recorder::Recorder(int loops, absl::Duration deadline)
    : deadline_(deadline), waits_(loops) {
  counts_.loops.resize(loops);
}

bool Recorder::Begin(int loop, absl::Duration scheduled, bool counted) {
  absl::MutexLock lock(&mutex_);
  Wait& wait = waits_[loop];
  if (counted) {
    ++counts_.loops[loop].ticks;
    ++(wait.waiting ? counts_.skipped : counts_.sent);
  }
  if (wait.waiting) return false;
  wait = {true, counted, scheduled};
  ++waiting_;
  return true;
}

void Recorder::End(int loop) {
  waits_[loop].waiting = false;
  --waiting_;
}

void Recorder::Answer(int loop, absl::Duration now,
                      const v1::AdaptationReport& report) {
  absl::MutexLock lock(&mutex_);
  const Wait& wait = waits_[loop];
  if (!wait.waiting) return;
  End(loop);
  if (!wait.counted) return;
  const absl::Duration latency = now - wait.scheduled;
  ++counts_.answered;
  if (latency > deadline_) ++counts_.late;
  ++counts_.outcomes[report.outcome()];
  counts_.latencies.Add(latency);
  ++counts_.loops[loop].answered;
  counts_.loops[loop].steps_done += report.steps_done();
}

void Recorder::FailLocked(int loop, absl::string_view reason) {
  if (!waits_[loop].waiting) return;
  End(loop);
  if (!waits_[loop].counted) return;
  const auto found = counts_.errors.find(reason);
  if (found != counts_.errors.end()) {
    ++found->second;
  } else {
    counts_.errors.emplace(std::string(reason), 1);
  }
}

void Recorder::Fail(int loop, absl::string_view reason) {
  absl::MutexLock lock(&mutex_);
  FailLocked(loop, reason);
}

void Recorder::GiveUp() {
  absl::MutexLock lock(&mutex_);
  for (size_t loop = 0; loop < waits_.size(); ++loop) {
    FailLocked(static_cast<int>(loop), "NO_ANSWER");
  }
}

int Recorder::waiting() const {
  absl::MutexLock lock(&mutex_);
  return waiting_;
}

LoadCounts Recorder::counts() const {
  absl::MutexLock lock(&mutex_);
  return counts_;
}

int64_t Recorder::ticks() const {
  absl::MutexLock lock(&mutex_);
  return counts_.ticks();
}

double Recorder::missed_fraction() const {
  absl::MutexLock lock(&mutex_);
  return counts_.missed_fraction();
}

}  // namespace foresight

// Records the requests of a load's control loops and their results.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/load/latency_histogram.h"
#include "proto/adaptation.pb.h"

namespace foresight {

// Every tick is sent or skipped, and every sent request ends as an answer or an
// error. None of these numbers counts ticks of the warm-up.
struct LoadCounts {
  struct Loop {
    int64_t ticks = 0;
    int64_t answered = 0;
    int64_t steps_done = 0;
  };

  int64_t sent = 0;
  int64_t skipped = 0;   // Ticks whose loop still waited for an answer.
  int64_t answered = 0;  // In time or late.
  int64_t late = 0;      // Answers after the deadline.
  std::map<v1::Outcome, int64_t> outcomes;
  std::map<std::string, int64_t, std::less<>> errors;  // By reason.
  LatencyHistogram latencies;                          // One for each answer.
  std::vector<Loop> loops;

  int64_t ticks() const { return sent + skipped; }
  int64_t failed() const;
  int64_t missed() const { return skipped + late + failed(); }
  double missed_fraction() const;  // 0 if there are no ticks.
};

// Times count from the beginning of the load. A latency begins at the tick's
// scheduled time, not when it is sent, so that a slow server or generator
// cannot hide it ("coordinated omission").
//
// Thread-safe. Reads no clock.
class Recorder {
 public:
  Recorder(int loops, absl::Duration deadline);

  // Begins the tick of `loop` scheduled at `scheduled`. Returns false if the
  // loop still waits for its previous answer, so that nothing should be sent.
  bool Begin(int loop, absl::Duration scheduled, bool counted)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // Record that the loop's answer, or error, arrived at `now`. They do nothing
  // if the loop is not waiting.
  void Answer(int loop, absl::Duration now, const v1::AdaptationReport& report)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void Fail(int loop, absl::string_view reason) ABSL_LOCKS_EXCLUDED(mutex_);

  // Fails every waiting loop with the reason NO_ANSWER.
  void GiveUp() ABSL_LOCKS_EXCLUDED(mutex_);

  int waiting() const ABSL_LOCKS_EXCLUDED(mutex_);
  LoadCounts counts() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The number of ticks, without copying the counts, for a progress line.
  int64_t ticks() const ABSL_LOCKS_EXCLUDED(mutex_);
  double missed_fraction() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Wait {
    bool waiting = false;
    bool counted = false;
    absl::Duration scheduled;
  };

  void End(int loop) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FailLocked(int loop, absl::string_view reason)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const absl::Duration deadline_;
  mutable absl::Mutex mutex_;
  std::vector<Wait> waits_ ABSL_GUARDED_BY(mutex_);  // By loop.
  int waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  LoadCounts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight

// Estimates how long adaptation steps take from measured ones.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

namespace foresight {

// Everything that a step's time depends on. Decisions of one kind may be
// stepped together.
struct StepKind {
  uint64_t model = 0;     // Identifies the loaded model.
  int horizon = 0;        // H
  int particles = 0;      // M
  int sampler_steps = 0;  // K
  float discount = 1;     // Equal in a joint step; costs no time.

  friend bool operator==(const StepKind& a, const StepKind& b) {
    return a.model == b.model && a.horizon == b.horizon &&
           a.particles == b.particles && a.sampler_steps == b.sampler_steps &&
           a.discount == b.discount;
  }
  template <typename H>
  friend H AbslHashValue(H h, const StepKind& kind) {
    return H::combine(std::move(h), kind.model, kind.horizon, kind.particles,
                      kind.sampler_steps, kind.discount);
  }
};

// The expected time of a step that has not been measured yet.
struct StepPrior {
  absl::Duration one;  // A step of one decision.
  // The time that one more decision adds to a joint step; at most `one` counts.
  absl::Duration further = absl::InfiniteDuration();

  absl::Duration Of(int count) const {
    return one + (count - 1) * std::min(further, one);
  }
};

// Keeps a running mean and a running deviation for each (kind, number of
// decisions stepped together, number of threads). The estimate is the mean plus
// the deviation: it should be high, since a step that is cut costs more than
// one that is not begun.
//
// Not thread-safe. Reads no clock.
class StepTimes {
 public:
  // Records that a whole step of `count` decisions by `threads` threads took
  // `taken`.
  void Learn(const StepKind& kind, int count, int threads, absl::Duration taken,
             absl::Time now);
  // Records that a step was cut after `taken`, so a whole one would have taken
  // longer. One such step counts little; several in a row raise the estimate
  // above `taken`. `prior` is as below.
  void LearnCut(const StepKind& kind, int count, int threads,
                absl::Duration taken, StepPrior prior, absl::Time now);

  // The time to allow for a step. A joint step that is not measured yet takes
  // as long as one decision, and prior.further for each other. An estimate that
  // is not renewed shrinks to the prior in a second. Otherwise a burst of slow
  // steps, while another program has the cores, could make steps look too slow
  // to be tried, and so to be measured, ever again.
  absl::Duration Expect(const StepKind& kind, int count, int threads,
                        StepPrior prior, absl::Time now) const;

 private:
  struct Key {
    StepKind kind;
    int count = 1;
    int threads = 1;
    friend bool operator==(const Key& a, const Key& b) {
      return a.kind == b.kind && a.count == b.count && a.threads == b.threads;
    }
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      return H::combine(std::move(h), key.kind, key.count, key.threads);
    }
  };
  struct Estimate {
    absl::Duration mean = absl::ZeroDuration();
    absl::Duration deviation = absl::ZeroDuration();
    absl::Time learnt;
  };

  Estimate& Find(const Key& key);
  static void Learn(Estimate& estimate, absl::Duration taken, double weight,
                    absl::Time now);

  absl::flat_hash_map<Key, Estimate> estimates_;
};

}  // namespace foresight

// FakeEngine with steps that take virtual time.
#pragma once

#include <memory>
#include <random>
#include <set>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tests/simulation/virtual_clock.h"
#include "tests/support/fake_engine.h"

namespace foresight {

// A step of `count` decisions takes base + count * per_row, in proportion to
// the horizon. Random noise and, rarely, a stall multiply this.
struct StepCosts {
  absl::Duration base = absl::Milliseconds(3);
  absl::Duration per_row = absl::Milliseconds(1);
  double noise = 0.05;        // Relative standard deviation.
  double stalls = 1. / 5000;  // The fraction of steps that stall.
  double longest_stall = 8;   // Times the usual cost.
  int horizon = 1;            // The horizon that the costs are for.
};

// Results are available at once; taken() says how long the step lasts. A
// problem's deadline cuts its step; a step ends when no problem needs it any
// more.
//
// Not thread-safe.
class CostlyEngine : public FakeEngine {
 public:
  struct Work {
    absl::Duration whole, dropped;  // Time of lanes.
    absl::Duration longest_step;
    int64_t steps = 0;
    int64_t shared_parameters = 0;  // Decisions admitted while another one of
                                    // their session was being made.
  };

  // `clock` outlives it.
  CostlyEngine(StepCosts costs, int batch_limit, uint64_t seed,
               VirtualClock* clock);

  std::unique_ptr<Batch> NewBatch() const override;

  // Makes the next step longer by `by`, as if others had used its core.
  void Delay(absl::Duration by) { delay_ = by; }
  // Makes steps take `times` as long as usual from now on.
  void Slow(double times) { slowness_ = times; }

  // The duration of the last call of Step.
  absl::Duration taken() const { return taken_; }
  const Work& work() const { return work_; }

 private:
  class CostlyBatch;

  absl::Duration Draw(int count, int horizon) const;

  const StepCosts costs_;
  VirtualClock* const clock_;
  mutable std::mt19937_64 random_;
  mutable absl::Duration delay_, taken_;
  double slowness_ = 1;
  mutable Work work_;
  mutable std::set<const PolicyParameters*> in_use_;
};

}  // namespace foresight

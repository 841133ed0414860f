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

// The time of a step of `count` decisions: base + count * per_row, in
// proportion to the horizon; noise multiplies it, and rarely a stall does.
struct StepCosts {
  absl::Duration base = absl::Milliseconds(3);
  absl::Duration per_row = absl::Milliseconds(1);
  double noise = 0.05;        // Standard deviation, relative.
  double stalls = 1. / 5000;  // The part of steps that stall.
  double longest_stall = 8;   // Times the usual cost.
  int horizon = 1;            // The horizon that the costs are for.
};

// Results are there at once; `taken` says how long the step lasts. A step is
// cut at a problem's deadline, and ends once no problem needs it any more.
//
// Not thread-safe.
class CostlyEngine : public FakeEngine {
 public:
  struct Work {
    absl::Duration whole, dropped;  // Time of lanes.
    absl::Duration longest_step;
    int64_t steps = 0;
    int64_t shared_parameters = 0;  // Decisions admitted while another one of
                                    // their session was.
  };

  // `clock` outlives it.
  CostlyEngine(StepCosts costs, int batch_limit, uint64_t seed,
               VirtualClock* clock);

  std::unique_ptr<Batch> NewBatch() const override;

  // The next step takes this much longer, since others use its core meanwhile.
  void Delay(absl::Duration by) { delay_ = by; }
  // From now on steps take `times` as long as usual.
  void Slow(double times) { slowness_ = times; }

  // How long the last call of Step takes.
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

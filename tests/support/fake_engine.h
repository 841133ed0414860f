// An engine for tests: a simple formula gives every result, and a test can make
// decisions wait.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/adaptation/engine.h"

namespace foresight {

// psi is one number, initially 0; each step adds 1. With psi after the steps
// done, every component of the action is tanh(o_0 + psi / 8 + seed / 64 +
// decision / 512), where o_0 is the observation's first component; row i of a
// plan has o_0 + i + 1 in its place. Observations beyond 1e30 are
// InvalidArgument. It reports steps_done, drift (= psi), the outcome and, if
// asked for, an objective_after of 1. The steps of one call are made one after
// another, in the call's order.
//
// Thread-safe.
class FakeEngine : public Engine {
 public:
  explicit FakeEngine(int action_size, int batch_limit = 1,
                      Clock clock = MonotonicNow)
      : Engine(std::move(clock)),
        action_size_(action_size),
        batch_limit_(batch_limit) {}

  std::unique_ptr<PolicyParameters> NewParameters() const override;
  size_t sizeof_parameters() const override { return sizeof(float); }
  std::unique_ptr<Batch> NewBatch() const override;
  // Whether both have the same horizon and number of particles.
  bool SideBySide(const Problem& a, const Problem& b) const override;
  int BatchLimit(const AdaptationSettings&) const override {
    return batch_limit_;
  }
  std::string name() const override { return "fake"; }
  std::string device() const override { return "cpu"; }

  // Makes every step wait for Release at its beginning. A waiting step notices
  // cancellations and deadlines.
  void Hold() ABSL_LOCKS_EXCLUDED(mutex_);
  void Release() ABSL_LOCKS_EXCLUDED(mutex_);
  // Lets the next `steps` steps pass.
  void Release(int steps) ABSL_LOCKS_EXCLUDED(mutex_);

  // Makes every step, even a waiting one, end with `status`, until Fail(OK).
  void Fail(absl::Status status) ABSL_LOCKS_EXCLUDED(mutex_);

  // Waits until exactly `count` decisions are admitted and not yet retired;
  // returns false if that takes too long.
  bool AwaitRunning(int count) const ABSL_LOCKS_EXCLUDED(mutex_);

  int decisions() const { return decisions_; }  // Admitted.
  // Calls of Step, and the most problems in one call.
  int step_calls() const { return step_calls_; }
  int widest_step() const { return widest_step_; }
  int steps() const { return steps_; }  // Done, in all.
  // The parameters that exist.
  int alive() const { return alive_->load(); }
  // The size of the last decision's Workers; 0 if it had none.
  int last_workers() const { return last_workers_; }
  // The deadline of the last decision.
  absl::Time last_deadline() const ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    return last_deadline_;
  }

  static float Action(float observation, float psi, uint64_t seed,
                      uint64_t decision);

 private:
  class FakeBatch;

  // Returns false if the deadline passed first. Errors: Cancelled; Fail's.
  absl::StatusOr<bool> PassGate(const Problem& problem) const
      ABSL_LOCKS_EXCLUDED(mutex_);

  const int action_size_, batch_limit_;
  const std::shared_ptr<std::atomic<int>> alive_ =
      std::make_shared<std::atomic<int>>(0);
  mutable std::atomic<int> decisions_ = 0;
  mutable std::atomic<int> steps_ = 0;
  mutable std::atomic<int> step_calls_ = 0;
  mutable std::atomic<int> widest_step_ = 0;
  mutable std::atomic<int> last_workers_ = 0;

  mutable absl::Mutex mutex_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
  mutable int passes_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable int running_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable absl::Time last_deadline_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace foresight

// The interface between decisions and the engines that compute them
// (docs/method.md sections 1, 3 and 5).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "models/bundle/policy_parameters.h"
#include "models/bundle/settings.h"
#include "server/adaptation/idle_batches.h"
#include "server/support/clock.h"

namespace foresight {

// Listed by precedence: the outcome is the first that applies.
enum class Outcome {
  kNonFinite,  // A step was refused: something was not finite.
  kRejected,   // A guard undid the change.
  kTruncated,  // The deadline cut the steps.
  kFrozen,     // No step done, none refused.
  kLimited,    // The drift limit or the trust region made the change smaller.
  kAdapted,
};

// The report of docs/method.md section 5.
struct Report {
  Outcome outcome = Outcome::kFrozen;
  int steps_requested = 0;
  int steps_done = 0;
  float objective_before = 0;  // J at the first step done; 0 if none was.
  std::optional<float> objective_after;  // Only if the problem asks for it.
  float gradient_norm = 0;  // In the last step done, before it is limited.
  float action_change = 0;  // |a - pi_psi_0(s_t)|_inf
  float drift = 0;          // |psi - psi_0|_2
};

struct Decision {
  std::vector<float> action;  // [A], finite, each in [-1, 1].
  // [L, A], finite, each in [-1, 1]: the actions after `action` that the
  // updated policy takes in its own noise-free imagination, a_{i+1} =
  // pi(s_{i+1}) with s_{h+1} = f(s_h, a_h, 0) of member 0. L is plan_length, or
  // less if a value is not finite or the decision has to stop.
  std::vector<float> plan;
  Report report;
};

// Idle cores that may help with one decision.
class Workers {
 public:
  virtual ~Workers() = default;
  // The number of calls that can make progress at once, the caller's thread
  // included.
  virtual int size() const = 0;
  // Calls body(item, lane) for each item 0 .. count - 1, begun in this order,
  // and returns when all calls have returned. Concurrent calls are on different
  // threads and have different lanes of 0 .. lanes - 1. Between items a thread
  // may leave for other work, and another thread may take its place.
  virtual void Run(int count, int lanes,
                   absl::FunctionRef<void(int item, int lane)> body) = 0;
};

// The time that a problem's steps took, by the engine's clock. A step made side
// by side with others counts in full for each problem.
struct StepTiming {
  absl::Duration whole = absl::ZeroDuration();  // Sum over the whole steps.
  int whole_steps = 0;                          // Steps that ran to their end.
  absl::Duration last = absl::ZeroDuration();   // The last whole one.
  // The time spent on the step that was cut; a whole one takes longer. Zero if
  // no step was cut.
  absl::Duration cut = absl::ZeroDuration();
};

struct Problem {
  absl::Span<const float> observation;  // [S], finite, raw units.
  // Made by the same engine's NewParameters; changed in place on success.
  PolicyParameters* parameters = nullptr;
  uint64_t seed = 0;
  uint64_t decision = 0;  // Counts the session's decisions; picks the noise.
  AdaptationSettings settings;
  bool report_objective_after = false;
  int plan_length = 0;  // 0..64
  absl::Time deadline = absl::InfiniteFuture();
  const std::atomic<bool>* cancelled = nullptr;  // May be null.
  Workers* workers = nullptr;                    // May be null: no helpers.

  // The outcome. Errors, with `parameters` as they were:
  //   Cancelled:       `cancelled` was set.
  //   InvalidArgument: the observation is so large that not even the frozen
  //                    action is finite.
  absl::StatusOr<Decision> decision_or = absl::UnknownError("not run");
  StepTiming timing;  // Valid whatever the outcome.
};

// Decisions made side by side. They join and leave between steps. One
// decision's result never depends on the others; on a CPU that holds to the
// bit.
//
// No call throws. If something inside throws, even for lack of memory, each of
// the call's problems is retried alone, and those that fail again get an error.
//
// Not thread-safe: belongs to one thread at a time. Must not outlive its
// engine.
class Batch {
 public:
  virtual ~Batch() = default;

  // Takes in `problem`, which must live until it is retired, and computes its
  // frozen action. In reset mode its steps start from psi_0, not `parameters`.
  // Returns false if the problem is refused: decision_or then holds the error,
  // and `problem` is not in the batch.
  virtual bool Admit(Problem* problem) = 0;

  // Whether `problem` wants another step: steps are left, none was refused or
  // cut, and it is not cancelled.
  virtual bool WantsStep(const Problem& problem) const = 0;

  // Makes one step of each of `which`, which are all admitted and want a step.
  // A step that the problem's deadline or cancellation cuts is dropped whole.
  virtual void Step(absl::Span<Problem* const> which) = 0;

  // Applies the guards, chooses the actions, fills each decision_or, and
  // changes psi if the decision succeeds. The problems leave the batch.
  virtual void Retire(absl::Span<Problem* const> which) = 0;

  // Bytes that the batch keeps for later decisions, even while it is empty.
  virtual size_t scratch_bytes() const { return 0; }
};

// Improves policies by gradient ascent on the imagined return.
//
// Thread-safe: all state is in its arguments.
class Engine {
 public:
  virtual ~Engine() = default;

  // psi of a new session, equal to the bundle's policy psi_0.
  virtual std::unique_ptr<PolicyParameters> NewParameters() const = 0;
  // Bytes that one session's parameters take once they are changed.
  virtual size_t sizeof_parameters() const = 0;

  virtual std::unique_ptr<Batch> NewBatch() const = 0;
  // Whether one Step of both costs less than a Step of each. A joint Step is
  // allowed in any case.
  virtual bool SideBySide(const Problem& a, const Problem& b) const = 0;
  // The largest number of problems with these settings for which a joint Step
  // pays off; >= 1.
  virtual int BatchLimit(const AdaptationSettings& settings) const = 0;

  // Runs the problems' decisions in batches. A decision draws noise, takes up
  // to settings.steps steps until its deadline, applies the guards, updates psi
  // and fills the outcome. In reset mode it starts from psi_0 and leaves
  // `parameters` at psi_0. A deadline that has passed still gives the current
  // policy's action (kFrozen or kTruncated), never an error.
  //
  // With the accept guard on, a step begins only if more than twice the time of
  // the last step is left, so that the guard has time.
  void Adapt(absl::Span<Problem> problems) const;

  // Returns an empty batch, a kept one if possible, so that warm decisions
  // allocate none; null if there is no memory.
  std::unique_ptr<Batch> TakeBatch() const;
  // Takes an empty batch back.
  void KeepBatch(std::unique_ptr<Batch> batch) const;

  // Bytes kept by batches that are not in use.
  size_t scratch_bytes() const { return idle_.bytes(); }
  // Frees the batches last used at `last_use` or before. Returns their bytes.
  size_t ReleaseScratch(absl::Time last_use = absl::InfiniteFuture()) const {
    return idle_.Release(last_use);
  }

  virtual std::string name() const = 0;    // "autograd", "fused".
  virtual std::string device() const = 0;  // "cpu", "cuda:0".
  // Engines of the same variant give the same results to the bit.
  virtual std::string variant() const { return name() + " " + device(); }

  // The clock of deadlines.
  const Clock& clock() const { return clock_; }

 protected:
  // Unused batches keep at most `max_idle_scratch` bytes.
  explicit Engine(Clock clock = MonotonicNow,
                  size_t max_idle_scratch = std::numeric_limits<size_t>::max())
      : clock_(std::move(clock)), idle_(max_idle_scratch) {}

 private:
  void AdaptTogether(Batch& batch, absl::Span<Problem* const> problems) const;

  const Clock clock_;
  mutable IdleBatches idle_;
};

}  // namespace foresight

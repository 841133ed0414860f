// The seam between the service and whatever computes a decision: method.md
// sections 1, 3 and 5 in full.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "models/bundle/policy_parameters.h"
#include "models/bundle/settings.h"

namespace foresight {

// In the order of precedence: the first that applies.
enum class Outcome {
  kNonFinite,  // A step was refused: something was not finite.
  kRejected,   // A guard undid the change.
  kTruncated,  // The deadline cut the steps.
  kFrozen,     // No step done, none refused.
  kLimited,    // The drift limit or the trust region made the change smaller.
  kAdapted,
};

// method.md section 5, last paragraphs.
struct Report {
  Outcome outcome = Outcome::kFrozen;
  int steps_requested = 0;
  int steps_done = 0;
  float objective_before = 0;  // J at the first step done; 0 without one.
  std::optional<float> objective_after;  // Only where the problem asks for it.
  float gradient_norm = 0;  // Of the last step done, before the limit.
  float action_change = 0;  // |a - pi_psi_0(s_t)|_inf
  float drift = 0;          // |psi - psi_0|_2
};

struct Decision {
  std::vector<float> action;  // [A], finite, each in [-1, 1].
  Report report;
};

// Idle cores that may help with one decision.
class Workers {
 public:
  virtual ~Workers() = default;
  // How many calls can make progress at once, the caller's thread included.
  virtual int size() const = 0;
  // Calls body(0) .. body(count - 1), some of them on other threads, and
  // returns when all have.
  virtual void Run(int count, absl::FunctionRef<void(int)> body) = 0;
};

struct Problem {
  absl::Span<const float> observation;  // [S], finite, raw units.
  // From the same engine's NewParameters; changed in place on success.
  PolicyParameters* parameters = nullptr;
  uint64_t seed = 0;
  uint64_t decision = 0;  // Counts the session's decisions; picks the noise.
  AdaptationSettings settings;
  bool report_objective_after = false;
  absl::Time deadline = absl::InfiniteFuture();
  const std::atomic<bool>* cancelled = nullptr;  // May be null.
  Workers* workers = nullptr;                    // May be null: no helpers.

  // Whether the last step begun was dropped, because the deadline or a
  // cancellation came before its end.
  bool step_was_cut = false;

  // The outcome. Errors, with `parameters` as they were:
  //   Cancelled:       `cancelled` was set.
  //   InvalidArgument: the observation is so large that not even the frozen
  //                    action is finite.
  absl::StatusOr<Decision> decision_or = absl::UnknownError("not run");
};

// Decisions made side by side. They join and leave between steps; what becomes
// of one never depends on the others, to the bit.
//
// Not thread-safe. Must not outlive its engine.
class Batch {
 public:
  virtual ~Batch() = default;

  // Takes `problem` in, which must live until it is retired, and computes its
  // frozen action. False: it is refused, and its decision_or holds the error.
  virtual bool Admit(Problem* problem) = 0;

  // Whether an admitted problem wants another step: some are left, and none was
  // refused, cut or cancelled.
  virtual bool WantsStep(const Problem& problem) const = 0;

  // One step of each of `which`, all of which want one. A step that a problem's
  // deadline or cancellation cuts is dropped whole.
  virtual void Step(absl::Span<Problem* const> which) = 0;

  // Applies the guards, updates psi and fills decision_or: the problems leave
  // the batch. With steps left the outcome is kTruncated, or kFrozen with none
  // done.
  virtual void Retire(absl::Span<Problem* const> which) = 0;
};

// Improves policies by gradient ascent on the imagined return.
//
// Thread-safe: all state is in its arguments.
class Engine {
 public:
  virtual ~Engine() = default;

  // psi of a new session, equal to the bundle's policy psi_0.
  virtual std::unique_ptr<PolicyParameters> NewParameters() const = 0;
  // Bytes that one session's parameters take.
  virtual size_t sizeof_parameters() const = 0;

  // In reset mode a decision starts from psi_0 instead of `parameters` and
  // leaves those at psi_0. A deadline that has passed still gives the current
  // policy's action (kFrozen or kTruncated), never an error.
  virtual std::unique_ptr<Batch> NewBatch() const = 0;
  // How many problems with these settings one step takes at a gain; >= 1. They
  // must have the same horizon, particles, sampler steps and discount.
  virtual int BatchLimit(const AdaptationSettings& settings) const = 0;

  // Makes each problem's decision: takes up to settings.steps steps until its
  // deadline. Problems are independent of one another.
  virtual void Adapt(absl::Span<Problem> problems) const = 0;

  virtual std::string name() const = 0;    // "autograd", "fused".
  virtual std::string device() const = 0;  // "cpu", "cuda:0".
};

}  // namespace foresight

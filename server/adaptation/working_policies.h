// The arithmetic that an engine provides on the policies of a batch's problems.
// Steps and guards are written in terms of it.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/noise.h"

namespace foresight {

// Whether the work on a problem has to stop. Thread-safe.
class StopSignals {
 public:
  // Both outlive this. Places without a problem are null.
  StopSignals(absl::Span<Problem* const> problems, const Clock& clock)
      : problems_(problems), clock_(clock) {}

  bool Cancelled(int i) const;
  // True if it is cancelled or its deadline has come.
  bool ShouldStop(int i) const;

 private:
  absl::Span<Problem* const> problems_;
  const Clock& clock_;
};

// Has places 0, 1, ... for problems, each with four policies: psi_0 (the
// bundle's), psi_start (the session's, or psi_0 in reset mode), the working
// one (psi_start at first), and a copy of the working one made by the last
// Save. The session's own policy does not change until Commit.
//
// `which` lists problems by their place, ascending, none twice. Results go to
// the element or row of that place; the others are left alone. Only
// Differentiate, Evaluate and Imagine take long: between blocks of work they
// ask `stop` and give up a problem that has to stop, with complete = false or
// fewer rows.
//
// A function that is not noexcept may throw if memory is short or a library
// throws. psi_0 and psi_start are then unchanged, and Restore brings the
// working policies back.
//
// Not thread-safe; an implementation may use threads of its own.
class WorkingPolicies {
 public:
  enum class Psi { kPretrained, kStart, kSaved, kWorking };

  struct Evaluation {
    bool complete = false;     // False: given up; the rest is invalid.
    double objective = 0;      // J
    double gradient_norm = 0;  // |g|_2 accumulated in double: finite exactly
                               // if every component of g is.
  };

  virtual ~WorkingPolicies() = default;
  virtual int action_size() const = 0;  // A
  // Bytes that it keeps between problems.
  virtual size_t scratch_bytes() const { return 0; }

  // Calls `body`; an exception in it becomes a status.
  // Errors:
  //   ResourceExhausted: there is not enough memory.
  //   Internal:          anything else was thrown.
  virtual absl::Status Try(absl::FunctionRef<void()> body) const;

  // Checks `problem` as in check_problem.h, and that its parameters are this
  // engine's.
  virtual absl::Status Check(const Problem& problem) const = 0;
  // Puts `problem` into place i. If it throws, the place is still free.
  virtual void Begin(int i, Problem& problem) = 0;
  virtual void End(int i) noexcept = 0;

  // pi_psi(s_t); not finite if the network overflows.
  virtual void Act(absl::Span<const int> which, Psi psi,
                   absl::Span<float> actions) = 0;  // [P, A]
  // The network's output u at s_t; the action is tanh(u).
  virtual void ActBeforeTanh(absl::Span<const int> which, Psi psi,
                             absl::Span<float> outputs) = 0;  // [P, A]

  // J and g = dJ/dpsi at the working policy, with the first noise bank. Keeps
  // g for Ascend.
  virtual void Differentiate(absl::Span<const int> which,
                             const StopSignals& stop,
                             absl::Span<Evaluation> out) = 0;  // [P]

  // J alone, at kStart or kWorking.
  virtual void Evaluate(absl::Span<const int> which, Psi psi, NoiseBank bank,
                        const StopSignals& stop,
                        absl::Span<Evaluation> out) = 0;  // [P]

  // The working policy's actions in the states s_1, s_2, ... of its own
  // rollout by member 0 without noise (engine.h). Returns the number of rows
  // computed before it had to stop; they need not be finite.
  virtual int Imagine(int i, const StopSignals& stop,
                      absl::Span<float> plan) = 0;  // [plan_length, A]

  // Remembers the working policies, until the next Save.
  virtual void Save(absl::Span<const int> which) noexcept = 0;
  // Brings the working policies back to the last Save, to the bit.
  virtual void Restore(absl::Span<const int> which) noexcept = 0;

  // working += scale * g, with g from the last Differentiate. Call it at most
  // once after each Save.
  virtual void Ascend(absl::Span<const int> which,
                      absl::Span<const double> scale) = 0;  // [P]

  // working = anchor + factor * (working - anchor), factor >= 0; 0 gives the
  // anchor to the bit. The anchor is not kWorking.
  virtual void Pull(absl::Span<const int> which, Psi anchor,
                    absl::Span<const double> factor) = 0;  // [P]

  // |working - psi_0|_2 accumulated in double: finite exactly if every
  // component of working is.
  virtual void Drift(absl::Span<const int> which,
                     absl::Span<double> drift) = 0;  // [P]

  // Allocates everything that Commit needs.
  virtual void PrepareCommit(absl::Span<const int> which) = 0;
  // Gives the session the working policy, or psi_0 in reset mode. Only End may
  // follow.
  virtual void Commit(absl::Span<const int> which) noexcept = 0;
};

}  // namespace foresight

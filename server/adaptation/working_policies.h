// What an engine can do with the policies of the problems of one Adapt call:
// the arithmetic that the decision loop and its guards are written in.
#pragma once

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/adaptation/engine.h"
#include "server/adaptation/noise.h"
#include "server/support/clock.h"

namespace foresight {

// Whether the work on a problem has to stop. Thread-safe.
class StopSignals {
 public:
  // All of it outlives this.
  StopSignals(absl::Span<Problem* const> problems, const Clock& clock)
      : problems_(problems), clock_(clock) {}

  bool Cancelled(int i) const;
  // Cancelled, or its deadline has come.
  bool ShouldStop(int i) const;
  bool ShouldStopAll(absl::Span<const int> which) const;

 private:
  absl::Span<Problem* const> problems_;
  const Clock& clock_;
};

// Three policies per problem: psi_0 (the bundle's), psi_start (where the
// decision begins: the session's, or psi_0 in reset mode) and the working one,
// equal to psi_start at first. The session's own stays as it is until Commit.
//
// `which` lists problems by their index in the call, ascending, none twice;
// results go to the element (or row) of that index, the others are left alone.
// Only Differentiate and Evaluate take long: between blocks of work they ask
// `stop` and give up a problem that has to stop, with complete = false.
//
// Not thread-safe; an implementation may use threads of its own.
class WorkingPolicies {
 public:
  enum class Psi { kPretrained, kStart, kWorking };

  struct Evaluation {
    bool complete = false;     // False: given up, the rest means nothing.
    double objective = 0;      // J
    double gradient_norm = 0;  // |g|_2 accumulated in double: finite exactly
                               // where every component of g is.
  };

  virtual ~WorkingPolicies() = default;
  virtual int action_size() const = 0;  // A

  // pi_psi(s_t); not finite where the network overflows.
  virtual void Act(absl::Span<const int> which, Psi psi,
                   absl::Span<float> actions) = 0;  // [P, A]

  // J and g = dJ/dpsi at the working policy, with the first noise bank. Keeps
  // g for Ascend.
  virtual void Differentiate(absl::Span<const int> which,
                             const StopSignals& stop,
                             absl::Span<Evaluation> out) = 0;  // [P]

  // J alone, at kStart or kWorking.
  virtual void Evaluate(absl::Span<const int> which, Psi psi, NoiseBank bank,
                        const StopSignals& stop,
                        absl::Span<Evaluation> out) = 0;  // [P]

  // working += scale * g, of the last Differentiate.
  virtual void Ascend(absl::Span<const int> which,
                      absl::Span<const double> scale) = 0;  // [P]

  // The working policy as it was before the last Ascend, to the bit.
  virtual void Retract(absl::Span<const int> which) = 0;

  // working = anchor + factor * (working - anchor), factor in [0, 1]; 0 gives
  // the anchor to the bit. The anchor is kPretrained or kStart.
  virtual void Pull(absl::Span<const int> which, Psi anchor,
                    absl::Span<const double> factor) = 0;  // [P]

  // |working - psi_0|_2 accumulated in double: finite exactly where every
  // component of working is.
  virtual void Drift(absl::Span<const int> which,
                     absl::Span<double> drift) = 0;  // [P]

  // Makes the working policy the session's; in reset mode psi_0.
  virtual void Commit(absl::Span<const int> which) = 0;
};

}  // namespace foresight
